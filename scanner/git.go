package scanner

import "time"

// Place is where in a history a secret stands.
type Place string

// The places.
const (
	PlaceFile      Place = "file"
	PlaceSymlink   Place = "symlink"   // the path that a symbolic link leads to
	PlaceFileName  Place = "file-name" // the name of a file or folder
	PlaceNote      Place = "note"      // git notes
	PlaceLFS       Place = "lfs"       // the content of a file that is kept by git-lfs
	PlaceMessage   Place = "commit-message"
	PlaceAuthor    Place = "author"
	PlaceCommitter Place = "committer"
	PlaceTag       Place = "tag-message"
	PlaceTagger    Place = "tagger"
	PlaceRefName   Place = "ref-name" // the name of a branch, tag or other reference
	PlaceObject    Place = "object"   // content that no tree gives a name
)

// noFile is what stands for the path of a place that is no file.
func (p Place) noFile() string { return "git:" + string(p) }

// Git says where in a repository's history a finding stands. Ids are in
// hexadecimal.
type Git struct {
	Place Place
	// Object is what the finding's location speaks of.
	Object string
	// Introduced is the first commit that holds it, and Last the last: HEAD's
	// where HEAD holds it. Both are nil where no commit does.
	Introduced, Last *Sighting
	InHead           bool
	// Refs are references that lead to a commit that brought it, at most 20;
	// RefCount is how many there are.
	Refs     []string
	RefCount int
	// Unreachable is why no reference leads to it, or "": "stash", "reflog",
	// "index" or "dangling".
	Unreachable string
	// Occurrences are the versions that hold it, oldest first, at most 100;
	// OccurrenceCount is how many there are.
	Occurrences     []Occurrence
	OccurrenceCount int
}

// Sighting is a finding in a commit.
type Sighting struct {
	Commit, Author, Email string
	Date                  time.Time // when it was written
	Path                  string
}

// Occurrence is a version of a file, or another object, that holds a secret.
type Occurrence struct {
	Object string
	Commit string // that brought it, or ""
	Line   int    // 0 where it was not worked out
}

// maxOccurrences is how many occurrences a finding lists.
const maxOccurrences = 100
