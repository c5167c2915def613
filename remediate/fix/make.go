package fix

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/rewrite"
	"github.com/remint/remint/scanner"
	"github.com/remint/remint/scanner/config"
	"github.com/remint/remint/scanner/scope/derive"
)

// Options say what a person wants, over what the project's configuration says.
type Options struct {
	Style  rewrite.Style
	Revoke Revocation
	// Scopes are scopes by entry.
	Scopes map[string]string
	// Only are fingerprints, or beginnings of them; empty for all.
	Only []string
	// Expand are patterns of files whose readers expand ${VARIABLE}; nil for none.
	Expand *config.Globs
	// Offline asks no provider what the old keys may do.
	Offline bool
	// Force rewrites files that have changes which are not committed.
	Force bool
}

// Project is a folder with findings in it.
type Project struct {
	// Root is absolute.
	Root   string
	Config *config.Config
	Options
	// admin gives a provider's settings; nil before a vault is open.
	settings func(ctx context.Context, minter string) (mint.Settings, error)

	texts   map[string][]byte
	types   *goTypes
	derived *derive.Needs
	read    bool // derived is what there is
	results map[string]rewrite.Result
}

// Open prepares a project.
func Open(root string, c *config.Config, o Options) (*Project, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	o.Style = cmp.Or(o.Style, rewrite.Style(c.Fix.Style), rewrite.Env)
	o.Revoke = cmp.Or(o.Revoke, Revocation(c.Fix.Revoke), OnDeploy)
	scopes := maps.Clone(c.Fix.Scopes)
	if scopes == nil {
		scopes = make(map[string]string)
	}
	maps.Copy(scopes, o.Scopes)
	o.Scopes = scopes
	return &Project{Root: abs, Config: c, Options: o, texts: make(map[string][]byte), results: make(map[string]rewrite.Result)}, nil
}

// text is a file of the project, as it is now.
func (p *Project) text(file string) ([]byte, error) {
	if t, ok := p.texts[file]; ok {
		return t, nil
	}
	info, err := os.Lstat(filepath.Join(p.Root, filepath.FromSlash(file)))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", file)
	}
	t, err := config.ReadFile(filepath.Join(p.Root, filepath.FromSlash(file)), rewrite.MaxFile)
	if err == nil {
		p.texts[file] = t
	}
	return t, err
}

// Plan makes a plan of findings, whose paths are relative to the root. It
// changes nothing.
func (p *Project) Plan(ctx context.Context, findings []scanner.Finding) (*Plan, error) {
	plan := &Plan{Version: 1, Style: p.Style}
	groups := make(map[string]*Item)
	names := newNames(p.Root)
	var ids []*scanner.Finding
	for n := range findings {
		f := &findings[n]
		plan.secrets = append(plan.secrets, f.Secret.Reveal())
		if why := p.leaves(f); why != "" {
			plan.Left = append(plan.Left, Left{f.Path, f.Line, f.Rule.ID, f.Fingerprint, why})
			continue
		}
		if f.Rule.ID == accessKeyID { // it goes with its secret, whatever was asked for
			ids = append(ids, f)
			continue
		}
		if !p.wanted(f.Fingerprint) {
			continue
		}
		if err := p.add(plan, groups, names, f); err != nil {
			plan.Left = append(plan.Left, Left{f.Path, f.Line, f.Rule.ID, f.Fingerprint, err.Error()})
		}
	}
	p.pair(plan, names, ids)
	for _, i := range plan.Items {
		p.complete(ctx, i)
	}
	return plan, p.preview(plan)
}

// leaves is why nothing is done about a finding; "" where something is.
func (p *Project) leaves(f *scanner.Finding) string {
	switch {
	case f.Rule.Scope:
		return "a scope is narrowed by a person: see its note"
	case f.Revoked:
		return "it is revoked already"
	case f.Git != nil || f.Path == "-" || strings.Contains(f.Path, "!"):
		return "it does not stand in a file of the tree"
	case len(f.Encodings) > 0:
		return "it is encoded (" + strings.Join(f.Encodings, ", ") + "): take it out by hand"
	case f.Rule.Pattern == "" && f.Rule.Path != "" && f.Offset == 0:
		return "the whole file is the secret: take the file out of the repository"
	}
	return ""
}

func (p *Project) wanted(fingerprint string) bool {
	return len(p.Only) == 0 || slices.ContainsFunc(p.Only, func(o string) bool { return strings.HasPrefix(fingerprint, o) })
}

// place finds a secret's bytes in its file as it is now.
func (p *Project) place(f *scanner.Finding) (text []byte, start, end int, err error) {
	text, err = p.text(f.Path)
	if err != nil {
		return nil, 0, 0, err
	}
	secret := f.Secret.Reveal()
	start, end = int(f.Offset), int(f.EndOffset)
	if start < 0 || end > len(text) || start >= end {
		return nil, 0, 0, fmt.Errorf("the file changed since it was scanned")
	}
	if at := bytes.Index(text[start:end], secret); at >= 0 { // without the quotes that an analyzer counts
		return text, start + at, start + at + len(secret), nil
	}
	if strings.IndexByte("\"'`", text[start]) >= 0 && end-start > 2 { // written with escapes
		start, end = start+1, end-1
	}
	return text, start, end, nil
}

// add adds a finding to the item of its secret.
func (p *Project) add(plan *Plan, groups map[string]*Item, names *names, f *scanner.Finding) error {
	text, start, end, err := p.place(f)
	if err != nil {
		return err
	}
	secret := bytes.Clone(text[start:end])
	minter := cmp.Or(f.Rule.Minter, guidedID)
	beside := neighbours(text, start)
	if minter == guidedID && f.Rule.Provider == genericProvider {
		minter = serverOf(text, start, beside)
	}
	from, to := start, end
	if m, err := (&Item{Minter: minter}).minter(); err == nil {
		if x, ok := m.(mint.Extender); ok {
			if a, b, ok := x.Extend(text, start, end); ok {
				from, to = a, b
			} else {
				minter = guidedID // a password without its connection string
			}
		}
	} else {
		minter = guidedID
	}
	variable, fixed := variableOf(f.Path, text, from, to, f)
	variable = names.variable(variable, string(secret), fixed)
	place := &Place{File: f.Path, Line: f.Line, Variable: variable, Fingerprint: f.Fingerprint, Start: from, End: to}
	item := groups[string(secret)]
	if item == nil {
		item = &Item{
			Entry: names.entry(variable), Rule: f.Rule.ID, Minter: minter, Revoke: p.Revoke, Custody: custodyVault, url: f.Rule.Revoke.URL, steps: f.Rule.Revoke.Steps,
			leaked: mint.Leaked{Rule: f.Rule.ID, Value: bytes.Clone(text[from:to]), Secret: secret, Beside: beside},
		}
		groups[string(secret)] = item
		plan.Items = append(plan.Items, item)
	}
	if whole := text[from:to]; !bytes.Equal(whole, item.leaked.Value) {
		if len(item.Places) > 0 && len(whole) <= len(item.leaked.Value) {
			place.Refused = "elsewhere the same secret stands in another form, which the new one will have"
		} else {
			for _, other := range item.Places {
				other.Refused = "elsewhere the same secret stands in another form, which the new one will have"
			}
			item.leaked.Value, item.leaked.Beside, item.Minter, item.Rule = bytes.Clone(whole), beside, minter, f.Rule.ID
		}
	}
	item.Places = append(item.Places, place)
	return nil
}

// What needs another half, and rules that say nothing of a provider.
const (
	accessKeyID     = "aws-access-token"
	genericProvider = "generic"
	pairLines       = 8
)

// pair joins access key ids to the secret key that stands nearest.
func (p *Project) pair(plan *Plan, names *names, ids []*scanner.Finding) {
	for _, f := range ids {
		text, start, end, err := p.place(f)
		var best *Item
		distance := pairLines + 1
		for _, i := range plan.Items {
			for _, at := range i.Places {
				if d := max(at.Line-f.Line, f.Line-at.Line); i.Minter == "awsiam" && at.File == f.Path && d < distance {
					best, distance = i, d
				}
			}
		}
		if best == nil && !p.wanted(f.Fingerprint) {
			continue
		}
		if err != nil || best == nil {
			plan.Left = append(plan.Left, Left{f.Path, f.Line, f.Rule.ID, f.Fingerprint, "an access key's id without its secret: make the key inactive in IAM if it is yours"})
			continue
		}
		id := string(text[start:end])
		if known := best.leaked.Beside[accessKeyID]; known != "" && known != id {
			continue
		}
		best.leaked.Beside[accessKeyID] = id
		if best.Pair == nil {
			best.Pair = &Pair{Entry: best.Entry + "-id"}
		}
		variable, fixed := variableOf(f.Path, text, start, end, f)
		best.Pair.Places = append(best.Pair.Places, &Place{
			File: f.Path, Line: f.Line, Variable: names.variable(variable, id, fixed), Fingerprint: f.Fingerprint, Start: start, End: end,
		})
	}
}

var setting = regexp.MustCompile(`(?m)^[ \t]*["']?(?:[A-Za-z0-9]+[_.-])*?(host|hostname|port|user|username|database|db|dbname|endpoint|address)["']?\s*[:=]\s*["']?([A-Za-z0-9_.:-]+)["']?,?[ \t]*\r?$`)

// neighbours are the settings that stand within a few lines of a value.
func neighbours(text []byte, start int) map[string]string {
	from, to := start, start
	for n := 0; from > 0 && n < 8; from-- {
		if text[from-1] == '\n' {
			n++
		}
	}
	for n := 0; to < len(text) && n < 8; to++ {
		if text[to] == '\n' {
			n++
		}
	}
	out := make(map[string]string)
	for _, m := range setting.FindAllSubmatch(text[from:to], -1) {
		key := strings.ToLower(string(m[1]))
		key = cmp.Or(map[string]string{"hostname": "host", "address": "host", "db": "database", "dbname": "database"}[key], key)
		if out[key] == "" {
			out[key] = string(m[2])
		}
	}
	return out
}

// serverOf is the minter for a password that only its surroundings explain.
func serverOf(text []byte, start int, beside map[string]string) string {
	near := strings.ToLower(string(text[max(0, start-160):start]))
	if strings.Contains(near, "redis") && beside["host"] != "" {
		return "redis"
	}
	return guidedID
}

// complete fills in what an item's minter knows: the scope above all.
func (p *Project) complete(ctx context.Context, i *Item) {
	i.Rotate, i.Lifetime = cmp.Or(i.Rotate, p.Config.Fix.Rotate), cmp.Or(i.Lifetime, p.Config.Fix.Lifetime)
	if i.Minter == "symmetric" || i.Minter == "privatekey" && p.signsThrough(i) {
		i.Custody = custodyHSM
	}
	m, err := i.minter()
	if err != nil {
		return
	}
	if i.Minter == guidedID && i.url != "" {
		i.Notes = append(i.Notes, "by hand: "+i.steps+" "+i.url)
		if strings.HasPrefix(i.Rule, genericProvider) {
			i.Notes = append(i.Notes, "if only your own programs check it, say minter: random in the plan")
		}
	}
	if e, ok := m.(mint.EndsOld); ok && e.EndsOld(&mint.Request{Leaked: i.leaked, Settings: mint.Settings{Options: p.Config.Providers[i.Minter]}}) {
		i.Notes = append(i.Notes, "minting the new key ends the old one at once: it needs revoke: now")
	}
	if s := p.Scopes[i.Entry]; s != "" {
		i.Scope = s
		return
	}
	s, ok := m.(mint.Scoper)
	if p.derive(ctx, i) || !ok || p.Offline {
		return
	}
	r := &mint.Request{Leaked: i.leaked, Name: i.Entry}
	if p.settings != nil {
		if r.Settings, err = p.settings(ctx, i.Minter); err != nil {
			i.Notes = append(i.Notes, err.Error())
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	scope, err := s.Scope(ctx, r)
	if err != nil {
		i.Notes = append(i.Notes, "what the old key may do could not be asked: "+err.Error())
		return
	}
	i.Scope = scope.String()
}

// patience is how long a plan waits for one provider.
const patience = 15 * time.Second

// signsThrough tells whether the program of every place can use a key that
// stays in the token: Node under `remint run --sdk`, which is what reads .env
// files and JavaScript.
func (p *Project) signsThrough(i *Item) bool {
	return len(i.Places) > 0 && !slices.ContainsFunc(i.Places, func(at *Place) bool {
		switch ext := filepath.Ext(at.File); {
		case ext == ".js" || ext == ".mjs" || ext == ".cjs" || ext == ".ts":
			return false
		case strings.HasPrefix(filepath.Base(at.File), ".env"):
			_, err := os.Stat(filepath.Join(p.Root, filepath.Dir(at.File), "package.json"))
			return err != nil
		}
		return true
	})
}
