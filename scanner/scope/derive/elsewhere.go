package derive

import (
	"fmt"
	"regexp"
)

// otherWays are packages by which a program calls a provider in a way that is
// not read: another SDK, or one that chooses between several protocols.
var otherWays = regexp.MustCompile(`^github\.com/aws/aws-sdk-go/service/|^github\.com/shurcooL/githubv4$|^cloud\.google\.com/go/`)

// onlyCredentials are packages that call no API that needs a grant.
var onlyCredentials = regexp.MustCompile(`^cloud\.google\.com/go/(?:auth|compute/metadata|civil)(?:/|$)`)

func isOtherWay(path string) bool {
	return otherWays.MatchString(path) && !onlyCredentials.MatchString(path)
}

// elsewhere says that a call leads to where it is not followed; of a package
// that is not read, once.
func (g *graph) elsewhere(c call) {
	pkg := pkgOf(c.callee)
	if pkg == nil || c.callee.Name() == "init" {
		return
	}
	switch name := path(c.callee); {
	case name == "reflect.Value.Call" || name == "reflect.Value.CallSlice":
		g.unknown = append(g.unknown, Unknown{"what " + name + " calls", g.where(c)})
	case pkg.Path() == "net/http":
		g.requests(c)
	case isOtherWay(pkg.Path()):
		at := g.where(c)
		if first, ok := g.others[pkg.Path()]; !ok || at.compare(first) < 0 {
			g.others[pkg.Path()] = at
		}
	}
}

// sayOthers says of each package that is not read where it is called first, and
// of files that are not.
func (g *graph) sayOthers() {
	for _, name := range g.needCgo {
		at := Place{g.short(name), 1}
		g.unknown = append(g.unknown, Unknown{"what this file calls: it needs cgo, and is not read", at})
	}
	for pkg, at := range g.others {
		g.unknown = append(g.unknown, Unknown{fmt.Sprintf("what the calls of %s need: it calls its provider by itself, and is not read", pkg), at})
	}
}

// providerURL is an address of a provider's interface.
var providerURL = regexp.MustCompile(`^https?://(?:[\w.*-]+\.)?(?:amazonaws\.com|googleapis\.com|api\.github\.com)(?:[/:?]|$)`)

// requests says that a program sends requests by itself.
func (g *graph) requests(c call) {
	for _, a := range c.args() {
		if !isString(a.Type()) {
			continue
		}
		texts, _ := g.texts(a, nil)
		for _, t := range texts {
			if providerURL.MatchString(t) {
				g.unknown = append(g.unknown, Unknown{"what the request to " + t + " needs: it is not sent by an SDK", g.where(c)})
			}
		}
	}
}
