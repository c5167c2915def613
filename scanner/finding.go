package scanner

import (
	"time"

	"github.com/remint/remint/scanner/rule"
)

// Location is where a secret stands in the file as a person opens it.
type Location struct {
	// Path is slash-separated, relative to the scanned root; "-" is standard
	// input. A file inside an archive is "archive.zip!inner/path".
	Path string
	// Line and EndLine count from 1. Column and EndColumn count characters
	// (Unicode code points) from 1; EndColumn is the one after the last.
	Line, Column       int
	EndLine, EndColumn int
	// Offset and EndOffset are the secret's bytes in the file, counted from
	// 0; EndOffset is the one after the last. They are those of the encoded
	// text where the secret was found through an encoding.
	Offset, EndOffset int64
}

// Finding is one rule at one place.
type Finding struct {
	Rule *rule.Rule
	// Severity is the rule's, unless the configuration says otherwise.
	Severity rule.Severity
	Location
	Secret Secret
	// Fingerprint stays the same when the secret moves to another line or
	// file: it is made from the rule and a keyed hash of the secret.
	Fingerprint string
	// Snippet is the line with every secret found on it masked, cut around
	// the finding where the line is long.
	Snippet string
	// Entropy is the secret's Shannon entropy in bits a byte.
	Entropy float64
	// Encodings says what was decoded on the way to the secret, outermost
	// first: "base64", "hex", "percent", "escape", "html", "utf-16", …
	Encodings []string
	// Companions are the findings that make a pair with this one.
	Companions []Companion
	// Modified is when the file was last changed; zero where nobody knows.
	Modified time.Time
	// Revoked tells that the configuration knows the key to be dead: it is
	// reported, and fails no scan.
	Revoked bool
	// Note is what else is known of it, in a sentence; or "".
	Note string
	// Git says where in a history it stands; nil outside of one.
	Git *Git
}

// Companion is the other half of a pair.
type Companion struct {
	Rule   string
	Line   int
	Secret Secret
}

// Incomplete is something that was not looked at, and why.
type Incomplete struct {
	Path   string
	Reason Reason
	Detail string
}

// Reason is why something was not looked at; a stable word for machines.
type Reason string

// The reasons of a scan of files.
const (
	ReasonUnreadable  Reason = "unreadable"  // permission, vanished, input/output error
	ReasonTooLarge    Reason = "too-large"   // over a limit the user set
	ReasonCorrupt     Reason = "corrupt"     // an archive or document that cannot be read
	ReasonLimit       Reason = "limit"       // an archive over its size, depth or entry bound
	ReasonEncrypted   Reason = "encrypted"   // an archive that wants a password
	ReasonUnsupported Reason = "unsupported" // a compression method that nobody here knows
	ReasonChanged     Reason = "changed"     // the file changed while it was read
	ReasonInterrupted Reason = "interrupted" // the scan was stopped before its end
	ReasonBuild       Reason = "build"       // Go code that does not build, of which the types are not known
	ReasonSubmodule   Reason = "submodule"   // a submodule that is not checked out
)

// The reasons of a scan of a history.
const (
	ReasonShallow  Reason = "shallow"       // history that was not fetched
	ReasonPartial  Reason = "partial-clone" // objects that were left with the remote
	ReasonMissing  Reason = "missing"       // an object that is not there
	ReasonLFS      Reason = "lfs"           // a file whose content is not here
	ReasonReplaced Reason = "replaced"      // git shows another object in its place
	ReasonGrafted  Reason = "grafted"       // git shows other parents than a commit has
)

// Stats says how much was done.
type Stats struct {
	Files    int64 // files and archive members read
	Skipped  int64 // files left out because the configuration says so
	Bytes    int64 // bytes scanned, after unpacking
	Silenced int64 // findings that an allow, an ignore or the baseline silenced
	Rules    int   // rules in use
	Objects  int64 // objects of a history
	Commits  int64 // commits of a history
	// Unknown counts grants that hang on values which are not in the file, and
	// Unjudged are files of which it is not known what they grant.
	Unknown  int64
	Unjudged []Unjudged
	Elapsed  time.Duration // wall time
}

// Result is everything a scan has to say, findings in order of path and place.
type Result struct {
	Findings   []Finding
	Incomplete []Incomplete
	Stats      Stats
}
