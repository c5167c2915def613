package scope

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// Format is a kind of file that says what a key or an agent may do.
type Format struct {
	// Name is what reports and documentation call it: "github-actions".
	Name string
	// Files says for people which files are read: "`.github/workflows/*.yml`".
	Files string
	// Rules are what it reports.
	Rules []Rule
	// Match tells by its path whether a file may be of this kind.
	Match func(path string) bool
	// Hints are literals one of which stands in every such file that grants
	// anything; none where the path says enough.
	Hints []string
	// Read reports what the file grants that is too wide.
	Read func(f *File)
}

// Rule is what a format reports.
type Rule struct {
	ID, Name string
	Severity rule.Severity
	// Opens is what the grant opens, in a sentence; Steps how to narrow it;
	// URL the provider's page on it.
	Opens, Steps, URL string
	// Secret tells that what is found is a key in the file, not a grant.
	Secret bool
}

// formats is every format, in the order of the documentation.
var formats = []Format{
	agentSettings,
	agentServersFormat,
	agentSkills,
	githubActions,
	gitlabCI,
	oauthClient,
	awsPolicy,
	awsTemplate,
	awsTerraform,
	gcp,
	azure,
	kubernetesFormat,
	sqlFormat,
	vaultPolicy,
	redisACL,
	nats,
	registryFormat,
}

// Formats returns every format.
func Formats() []Format { return slices.Clone(formats) }

// Grant is a problem and its place.
type Grant struct {
	Problem
	Start, End int // bytes in the text
	// Secret tells that the bytes are a key, which nobody is to be shown.
	Secret bool
}

// Outcome is what reading a file came to.
type Outcome struct {
	Grants []Grant // in order of place
	// Read tells that a format knew the file.
	Read bool
	// Unknown counts grants that hang on values which are not in the file.
	Unknown int
	// Err says what of the file could not be read; the rest was.
	Err error
}

// code are endings of what is no configuration, and most files of a tree: they
// are not asked about format by format.
var code = map[string]bool{
	".go": true, ".c": true, ".h": true, ".cc": true, ".cpp": true, ".hpp": true, ".rs": true, ".py": true, ".rb": true, ".java": true, ".kt": true, ".scala": true, ".swift": true, ".cs": true, ".php": true,
	".js": true, ".mjs": true, ".cjs": true, ".jsx": true, ".ts": true, ".tsx": true, ".vue": true, ".svelte": true, ".css": true, ".scss": true, ".html": true, ".hbs": true, ".svg": true, ".map": true,
	".s": true, ".asm": true, ".proto": true, ".txt": true, ".rst": true, ".png": true, ".jpg": true, ".gif": true, ".ico": true, ".woff": true, ".woff2": true, ".sum": true, ".lock": true, ".snap": true, ".po": true,
}

// Wanted tells by its path whether any format may know a file.
func Wanted(name string) bool {
	name = inner(name)
	if code[path.Ext(name)] {
		return false
	}
	return slices.ContainsFunc(formats, func(f Format) bool { return f.Match(name) })
}

// Read judges what a file grants.
func Read(name string, text []byte) Outcome {
	name = inner(name)
	var out Outcome
	f := &File{Path: name, Text: text}
	found := hintsOfFormats().in(text)
	for i := range formats {
		if fm := &formats[i]; (found[i] || len(fm.Hints) == 0 || hasShort(text, fm.Hints)) && fm.Match(name) {
			out.Read = true
			f.format, f.hints = fm, fm.Hints
			fm.Read(f)
		}
	}
	slices.SortStableFunc(f.grants, func(a, b Grant) int { return a.Start - b.Start })
	out.Grants, out.Unknown, out.Err = f.grants, f.unknown, f.err
	return out
}

// inner is the path of an archive's member within it. YAML that a template
// fills in is named as what comes of it.
func inner(name string) string {
	name = name[strings.LastIndexByte(name, '!')+1:]
	if hasExt(name, ".j2", ".jinja", ".jinja2", ".tmpl", ".gotmpl", ".tpl") {
		if made := strings.TrimSuffix(name, path.Ext(name)); hasExt(made, ".yaml", ".yml") {
			return made
		}
	}
	return name
}

// File is a file under judgement.
type File struct {
	Path string // slash-separated
	Text []byte

	format  *Format
	hints   []string
	opened  *document.File
	grants  []Grant
	unknown int
	err     error
}

// Docs returns the file's documents, read by its path's ending, those in which
// none of the format's hints stands left out. What cannot be read is none, and
// the file's fault.
func (f *File) Docs() []*document.Node { return f.parse().Docs }

// Templated tells that a template fills in some of the file, so that nothing
// may be concluded from what is absent.
func (f *File) Templated() bool { return f.parse().Templated }

func (f *File) parse() document.Parsed {
	if f.opened == nil {
		f.opened = document.Open(f.Path, f.Text)
	}
	p, err := f.opened.Docs(f.hints)
	if err != nil && f.err == nil {
		f.err = err
	}
	return p
}

// maxGrants is how many grants one file may have reported.
const maxGrants = 1000

// Report reports a grant that is too wide, at a value or a key of the file. A
// place that has the same already is passed over: an alias, a merge key or a
// variable shows one value in several places.
func (f *File) Report(at *document.Node, p Problem) {
	if at == nil || len(f.grants) >= maxGrants {
		return
	}
	if slices.ContainsFunc(f.grants, func(g Grant) bool {
		return g.Rule == p.Rule && g.Start == at.Start && g.End == at.End && g.Why == p.Why
	}) {
		return
	}
	i := slices.IndexFunc(f.format.Rules, func(r Rule) bool { return r.ID == p.Rule })
	r := f.format.Rules[i] // a format that reports what it does not list is a mistake
	if p.Severity == 0 {
		p.Severity = r.Severity
	}
	if p.Value == "" {
		p.Value = at.Text
	}
	f.grants = append(f.grants, Grant{Problem: p, Start: at.Start, End: at.End, Secret: r.Secret})
}

// Unknown counts a grant that hangs on a value which is not in the file.
func (f *File) Unknown(*document.Node) { f.unknown++ }

// Fault says that something of the file could not be read.
func (f *File) Fault(err error) { f.err = errors.Join(f.err, err) }

// hasExt tells whether a path ends in one of the extensions, given in lower
// case with their dot.
func hasExt(name string, exts ...string) bool {
	return slices.Contains(exts, strings.ToLower(path.Ext(name)))
}

// word is text, or what stands in for it where it is not known.
func word(text, unknown string) string {
	if text == "" {
		return unknown
	}
	return text
}
