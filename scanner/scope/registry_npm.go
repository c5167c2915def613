package scope

import (
	"slices"
	"strings"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

// npm is what a token of npm's registry may do.
type npm struct {
	all    bool // every package of its owner
	cidr   bool // from some addresses alone
	ends   bool
	bypass bool // without a second factor
}

// judge says what is too wide in a token that publishes. One bound alone is
// let pass where the token is for packages that are named.
func (n *npm) judge() (Problem, bool) {
	missing := 0
	for _, bound := range []bool{n.cidr, n.ends, !n.all} {
		if !bound {
			missing++
		}
	}
	p := Problem{Rule: npmToken, Narrower: "trusted publishing, which needs no token; else packages by name, --cidr for the addresses that publish, and --expires=30"}
	switch {
	case n.cidr && n.ends && !n.all, missing == 1 && n.ends && !n.bypass:
		return Problem{}, false
	case missing == 3 && n.bypass:
		p.Severity = rule.High
	case missing == 1 && n.cidr:
		p.Severity = rule.Low
	}
	why := "publishes "
	if n.all {
		why += "every package of its owner"
	} else {
		why += "packages"
	}
	if n.bypass {
		why += " without a second factor"
	}
	if !n.cidr {
		why += " from any address"
	}
	if !n.ends {
		why += ", and does not end"
	}
	p.Why = why
	return p, true
}

// Keys of a token's addresses and of its end.
var (
	npmAddresses = []string{"cidr_whitelist", "cidr", "cidrs", "allowed_ips"}
	npmEnds      = []string{"expires", "expiry", "expires_at", "expiration"}
)

// readNpmToken reads a token as npm's registry lists it or is asked for it.
// Source: docs.npmjs.com, and lib/commands/token.js of npm 12.
func readNpmToken(f *File, n *document.Node) {
	permission, automation, bypass := n.Get("packages_and_scopes_permission"), n.Get("automation"), n.Get("bypass_2fa")
	kind := firstOf(n, "token_type", "type")
	typed := kind.Is("automation", "publish", "legacy_automation", "legacy_publish") && (npmFile(f.Path) || n.Get("cidr_whitelist") != nil)
	_, listed := n.Get("readonly").Bool()
	if permission == nil && bypass == nil && !typed && (!listed || n.Get("cidr_whitelist") == nil && automation == nil) {
		return
	}
	if isTrue(firstOf(n, "readonly", "read_only")) || permission.Is("read-only", "no-access", "read-write-stage-only") || firstOf(n, "revoked", "revoked_at").Str() != "" || isTrue(n.Get("revoked")) {
		return
	}
	t := npm{
		all:    isTrue(n.Get("packages_all")) || permission == nil && len(n.Get("packages").Values())+len(n.Get("scopes").Values()) == 0,
		bypass: isTrue(bypass) || isTrue(automation) || kind.Is("automation", "legacy_automation"),
	}
	for _, key := range npmAddresses {
		v := n.Get(key)
		t.cidr = t.cidr || v != nil && v.Kind == document.Unknown || bounded(v.Texts())
	}
	for _, key := range npmEnds {
		v := n.Get(key)
		t.ends = t.ends || v != nil && v.Kind != document.Null && v.Text != "" && v.Text != "0"
	}
	p, ok := t.judge()
	if !ok {
		return
	}
	p.Subject = "token " + word(firstOf(n, "name", "token_name", "key").Str(), "of npm")
	p.Value = "npm token"
	keys := append(slices.Clone(npmAddresses), "automation", "bypass_2fa", "packages_and_scopes_permission", "token_type", "type", "readonly")
	if t.cidr {
		keys = append(slices.Clone(npmEnds), keys...)
	}
	f.Report(firstOf(n, keys...), p)
}

// bounded tells whether addresses are any narrower than all of them.
func bounded(cidrs []string) bool {
	some := false
	for _, list := range cidrs {
		for _, c := range splitWords.FindAllString(list, -1) {
			if strings.HasSuffix(c, "/0") {
				return false
			}
			some = true
		}
	}
	return some
}

// npmCreate judges a call of npm token create; unknown says that some of its
// words are not in the file.
func npmCreate(words []*document.Node) (p Problem, wide, unknown bool) {
	t, writes, granular := npm{}, true, false
	for i, w := range words {
		if strings.HasPrefix(w.Text, "$") && (i == 0 || !strings.HasPrefix(words[i-1].Text, "--")) {
			unknown = true
		}
		name, value, joined := strings.Cut(w.Text, "=")
		if !joined && i+1 < len(words) && !strings.HasPrefix(words[i+1].Text, "-") {
			value = words[i+1].Text
		}
		value = strings.Trim(value, `"'`)
		switch name {
		case "--read-only", "--readonly":
			writes = value == "false"
		case "--cidr":
			t.cidr = bounded([]string{value})
		case "--expires":
			t.ends = true
		case "--bypass-2fa":
			t.bypass = value != "false"
		case "--packages-all":
			t.all = value != "false"
		case "--packages-and-scopes-permission":
			writes = value != "read-only" && value != "no-access" && value != "read-write-stage-only"
		case "--packages", "--scopes", "--name", "--orgs", "--token-description":
		default:
			continue
		}
		granular = granular || name != "--cidr" && name != "--read-only" && name != "--readonly"
	}
	t.all = t.all || !granular // a classic token
	if !writes || unknown {
		return Problem{}, false, unknown && writes
	}
	p, wide = t.judge()
	return p, wide, false
}
