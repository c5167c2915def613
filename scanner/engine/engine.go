// Package engine finds secrets in bytes: one pass of a literal matcher finds
// the rules' keywords, each hit opens a window, only there the rule's
// expression runs (compiled on first use), and then the filters decide,
// cheapest first. What is encoded is decoded and scanned in its turn.
//
// The engine knows nothing of files or git. A text may have a path for the
// rules' conditions to look at; without one it is scanned as if it had any
// path, and those conditions are its caller's.
package engine

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/remint/remint/scanner/rule"
)

// Match is a rule's secret at a place in a text.
type Match struct {
	Rule *rule.Rule
	// Start and End are the secret's bytes in the text as it was given; where
	// the secret was found through an encoding, those of the encoded form.
	Start, End int
	// FullStart and FullEnd are the bytes of everything the rule matched.
	FullStart, FullEnd int
	// Secret is the value, decoded. It is the match's own.
	Secret []byte
	// Entropy is the secret's Shannon entropy in bits a byte.
	Entropy float64
	// Unquoted tells that the value of an assignment stood without quotes, as
	// it does in configuration files and never in the code of most languages.
	Unquoted bool
	// Encodings says what was decoded on the way, outermost first.
	Encodings []string
	// Line is the line the match starts on, counted from 1, filled in only
	// where rules have companions.
	Line int

	assigned bool
	priority int
	from     origin
}

// Drop is a candidate that a filter turned down.
type Drop struct {
	Rule       *rule.Rule
	Start, End int
	Filter     string // which filter, and why, in a few words
}

// Options change how an engine works. The zero value is what users get.
type Options struct {
	// Gitleaks makes the rules mean what they mean to gitleaks: no filters
	// but theirs, every match over the whole text, no decoding.
	Gitleaks bool
	// Allow are the conditions that hold for all rules.
	Allow []rule.Allow
	// DecodeDepth bounds how many encodings may be nested; 0 means the
	// default of 4, a negative value turns decoding off.
	DecodeDepth int
}

const defaultDecodeDepth = 4

// Engine is a set of rules ready to run. It is safe for concurrent use; each
// goroutine scans with a Scanner of its own.
type Engine struct {
	rules []compiled
	lits  *literals
	loose []int32 // rules whose keywords cannot serve the prefilter
	opts  Options
	// reaches says, by literal, how far around a hit its rules look.
	reaches []atomic.Pointer[reach]
	allow   []allowSet
	paths   []int32   // rules that a path alone can match
	inPath  *literals // their keywords, looked for in the path
	byID    map[string]int32
	paired  bool // some rule has companions
	// incremental tells that no rule looks at a whole text.
	incremental bool
}

// compiled is a rule and what the engine works out about it on first use.
type compiled struct {
	*rule.Rule
	keywords []string
	literals [][]byte // the keywords once more
	// atKeyword tells that matches start at their keyword or a few bytes before
	// it, and that re is anchored; whole forbids that.
	atKeyword, whole bool
	squeezed         [][]byte // names in lower case without separators
	priority         int

	once     sync.Once
	err      error
	re       *regexp.Regexp
	shape    shape
	path     *regexp.Regexp
	group    int // the group called "secret", or 0
	checksum *rule.Checksum
	allow    []allowSet
}

// New prepares the rules. Nothing is compiled yet: an expression that is at
// fault is an error of rule.Validate, which whoever loads rules calls.
func New(rules []rule.Rule, opts Options) (*Engine, error) {
	if opts.DecodeDepth == 0 {
		opts.DecodeDepth = defaultDecodeDepth
	}
	e := &Engine{rules: make([]compiled, len(rules)), opts: opts, byID: make(map[string]int32, len(rules))}
	e.incremental = !opts.Gitleaks
	for i := range rules {
		c := &e.rules[i]
		c.Rule = &rules[i]
		c.priority = priorityOf(c.Rule)
		c.whole = opts.Gitleaks || c.Anywhere
		e.byID[c.ID] = int32(i)
		e.paired = e.paired || len(c.Companions) > 0
		e.incremental = e.incremental && !c.Anywhere
	}
	var lits, pathLits []literal
	lits, pathLits, e.loose = collectLiterals(e.rules)
	for _, r := range e.loose {
		e.rules[r].whole = true
		e.incremental = false
	}
	e.inPath = newLiterals(pathLits)
	for i := range e.rules {
		if e.rules[i].Pattern == "" {
			e.paths = append(e.paths, int32(i))
		}
	}
	if len(lits) > 1<<15 {
		return nil, fmt.Errorf("%d keywords are more than the engine takes (%d): use fewer rules", len(lits), 1<<15)
	}
	e.lits = newLiterals(lits)
	e.reaches = make([]atomic.Pointer[reach], len(lits))
	for _, a := range opts.Allow {
		set, err := newAllowSet(a)
		if err != nil {
			return nil, fmt.Errorf("allow list: %w", err)
		}
		e.allow = append(e.allow, set)
	}
	return e, nil
}

// Rules returns how many rules the engine runs.
func (e *Engine) Rules() int { return len(e.rules) }

// priorityOf ranks rules where two find the same bytes: what has a shape of
// its own before what is only the value of some name, and what is generic last.
func priorityOf(r *rule.Rule) int {
	generic := r.Provider == "generic" || r.Provider == "jwt"
	p := 30
	switch {
	case r.Hidden:
		p = 5
	case generic && len(r.Names) > 0:
		p = 10
	case generic:
		p = 15
	case len(r.Names) > 0:
		p = 26
	case r.Filters == rule.FilterGeneric || r.Filters == rule.FilterPassword:
		p = 28
	case r.Checksum != "":
		p = 40
	}
	return p
}

// ready compiles the rule's expressions, once.
func (c *compiled) ready() error {
	c.once.Do(func() { c.err = c.compile() })
	return c.err
}

func (c *compiled) compile() error {
	if err := c.compilePath(); err != nil || c.Pattern == "" {
		return err
	}
	c.keywords = keywordsOf(c.Rule)
	for _, k := range c.keywords {
		c.literals = append(c.literals, []byte(k))
	}
	for _, n := range c.Names {
		c.squeezed = append(c.squeezed, squeeze([]byte(n)))
	}
	expr := c.Pattern
	var err error
	if len(c.Names) > 0 {
		expr = `\A(?:` + expr + `)\z`
	} else {
		if c.shape, err = shapeOf(c.Pattern, c.keywords); err != nil {
			return fmt.Errorf("rule %s: %w", c.ID, err)
		}
		c.atKeyword = !c.whole && c.Reach == 0 && c.shape.before >= 0 && c.shape.before <= maxBefore && c.shape.leading != leadOther
		if c.atKeyword {
			expr = `\A(?:` + expr + `)`
		}
	}
	if c.re, err = regexp.Compile(expr); err != nil {
		return fmt.Errorf("rule %s: %w", c.ID, err)
	}
	c.group = max(c.re.SubexpIndex("secret"), 0)
	if c.SecretGroup > 0 {
		c.group = c.SecretGroup
	}
	if c.Checksum != "" {
		sum, err := rule.FindChecksum(c.Checksum)
		if err != nil {
			return fmt.Errorf("rule %s: %w", c.ID, err)
		}
		c.checksum = &sum
	}
	return nil
}

// compilePath compiles what the rule says about paths and values to allow.
func (c *compiled) compilePath() error {
	if c.Path != "" {
		var err error
		if c.path, err = regexp.Compile(c.Path); err != nil {
			return fmt.Errorf("rule %s: path: %w", c.ID, err)
		}
	}
	for _, a := range c.Rule.Allow {
		set, err := newAllowSet(a)
		if err != nil {
			return fmt.Errorf("rule %s: allow: %w", c.ID, err)
		}
		c.allow = append(c.allow, set)
	}
	return nil
}

// Scanner scans texts one after the other, for one goroutine.
type Scanner struct {
	// OnDrop, when set, is told of every candidate that a filter turned down.
	OnDrop func(Drop)
	// Path is the slash-separated path of the next text, or "" for any.
	Path string

	e        *Engine
	text     []byte
	matches  []Match
	hits     []hit
	chains   []chain // a rule
	open     []int32 // the rules whose chain is not run yet
	epoch    uint32  // of the chains that belong to the text at hand
	depth    int
	focus    span // what of the text is new, and so to be decoded
	names    nameCache
	from     origin
	decoders decodeState
	delta    deltaState
	lists    []hitList // gitleaks semantics only
	touched  []int32
}

// NewScanner returns a scanner for one goroutine.
func (e *Engine) NewScanner() *Scanner {
	return &Scanner{e: e, chains: make([]chain, len(e.rules))}
}

// Scan returns the secrets in text in order of place, the most telling rule
// for each. The slice is the scanner's until the next call.
func (s *Scanner) Scan(text []byte) ([]Match, error) {
	s.matches = s.matches[:0]
	for i := range s.e.allow {
		if s.e.allow[i].pathAlone(s.Path) {
			return nil, nil
		}
	}
	if s.e.opts.Gitleaks {
		if err := s.scanGitleaks(text); err != nil {
			return nil, err
		}
		return s.matches, s.matchPath()
	}
	s.depth, s.focus = 0, span{0, len(text)}
	if err := s.pass(text); err != nil {
		return nil, err
	}
	s.settle(text)
	return s.matches, s.matchPath()
}

// matchPath adds a match, without a place, for every rule that the path alone
// meets.
func (s *Scanner) matchPath() error {
	if s.Path == "" || len(s.e.paths) == 0 {
		return nil
	}
	seen := make(map[int32]bool)
	try := func(r int32) error {
		c := &s.e.rules[r]
		if seen[r] || c.Hidden {
			return nil
		}
		seen[r] = true
		if err := c.ready(); err != nil {
			return err
		}
		if s.applies(c) {
			s.matches = append(s.matches, Match{Rule: c.Rule, priority: c.priority})
		}
		return nil
	}
	var failed error
	s.e.inPath.scan([]byte(s.Path), func(lit, _ int) {
		for _, r := range s.e.inPath.lits[lit].rules {
			failed = errors.Join(failed, try(r))
		}
	})
	for _, r := range s.e.paths {
		if len(s.e.rules[r].Keywords) == 0 {
			failed = errors.Join(failed, try(r))
		}
	}
	return failed
}

// RulesOfName returns the rules that a path alone can match, if it may end in
// this name.
func (e *Engine) RulesOfName(name string) []*rule.Rule {
	var found []*rule.Rule
	e.inPath.scan([]byte(name), func(lit, _ int) {
		for _, r := range e.inPath.lits[lit].rules {
			if c := &e.rules[r]; !c.Hidden && !slices.Contains(found, c.Rule) {
				found = append(found, c.Rule)
			}
		}
	})
	return found
}

// pass finds what stands in text as it is, then what is encoded in it.
func (s *Scanner) pass(text []byte) error {
	outer, hits := s.text, len(s.hits)
	s.text = text
	err := s.findHits(hits)
	s.hits = s.hits[:hits]
	for _, r := range s.e.loose {
		err = errors.Join(err, s.confirmWhole(r))
	}
	if err == nil && s.depth < s.e.opts.DecodeDepth {
		err = s.decode(text)
	}
	s.text = outer
	return err
}

// add appends a match that has passed its filters.
func (s *Scanner) add(m Match) {
	m.Secret = slices.Clone(m.Secret)
	m.from = s.from
	s.matches = append(s.matches, m)
}

func (s *Scanner) drop(r *rule.Rule, start, end int, filter string) {
	if s.OnDrop != nil {
		s.OnDrop(Drop{r, start, end, filter})
	}
}
