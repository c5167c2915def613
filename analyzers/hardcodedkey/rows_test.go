package hardcodedkey_test

import (
	"fmt"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/remint/remint/analyzers/hardcodedkey"
	"github.com/remint/remint/analyzers/sinks"
)

// TestEveryRow makes, for every row of the table, a package with the sink's
// name and a use of it with a hardcoded value and with one from the
// environment. Whether the real packages have such names is for `make
// verify-sinks` to say.
func TestEveryRow(t *testing.T) {
	byPackage := map[string][]sinks.Target{}
	var order []string
	rows := 0
	for _, row := range sinks.All() {
		if first, _, _ := strings.Cut(row.Package, "/"); !strings.Contains(first, ".") || row.Kind >= sinks.ID {
			continue // the standard library has tests of its own
		}
		if byPackage[row.Package] == nil {
			order = append(order, row.Package)
		}
		byPackage[row.Package] = append(byPackage[row.Package], row)
		rows++
	}
	if rows < 120 {
		t.Fatalf("only %d rows to test", rows)
	}
	dir := t.TempDir()
	var uses []string
	for i, pkg := range order {
		write(t, filepath.Join(dir, "src", filepath.FromSlash(pkg), "stub.go"), stub(byPackage[pkg]))
		use := fmt.Sprintf("use%d", i)
		write(t, filepath.Join(dir, "src", use, "use.go"), usage(use, pkg, byPackage[pkg]))
		uses = append(uses, use)
	}
	analysistest.Run(t, dir, hardcodedkey.Analyzer, uses...)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// stub is a package that has these sinks, with parameters of any type.
func stub(rows []sinks.Target) string {
	var b strings.Builder
	fields := map[string][]string{}
	methods := map[string]bool{}
	done := map[string]bool{}
	fmt.Fprintf(&b, "package %s\n", packageName(rows[0].Package))
	for _, r := range rows {
		switch {
		case r.Var != "":
			fmt.Fprintf(&b, "var %s any\n", r.Var)
		case r.Field != "":
			fields[r.Recv] = append(fields[r.Recv], r.Field)
		case !done[r.Symbol()]:
			done[r.Symbol()] = true
			recv := ""
			if r.Recv != "" {
				methods[r.Recv] = true
				recv = "(*" + r.Recv + ") "
			}
			fmt.Fprintf(&b, "func %s%s(args ...any) {}\n", recv, r.Name)
		}
	}
	for name := range fields {
		methods[name] = true
	}
	for name := range methods {
		fmt.Fprintf(&b, "type %s struct {\n", name)
		for _, f := range fields[name] {
			names := strings.Split(f, ".")
			fmt.Fprintf(&b, "\t%s%s any%s\n", strings.Join(names[:len(names)-1], " struct { ")+strings.Repeat(" struct { ", min(1, len(names)-1)),
				names[len(names)-1], strings.Repeat(" }", len(names)-1))
		}
		fmt.Fprintln(&b, "}")
	}
	return b.String()
}

func packageName(pkg string) string {
	name := strings.NewReplacer("-", "_", ".", "_").Replace(path.Base(pkg))
	if token.IsKeyword(name) {
		return name + "_"
	}
	return name
}

// usage uses each sink wrongly and rightly.
func usage(name, pkg string, rows []sinks.Target) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport (\n\t\"os\"\n\n\tp %q\n)\n\n", name, pkg)
	for i, r := range rows {
		value := fmt.Sprintf("k9Xw%dq8Zt4Rv6Np", i)
		if r.Kind == sinks.DSN {
			value = fmt.Sprintf("proto://user:k9Xw%dq8Z@host/db", i)
		}
		bad, good := fmt.Sprintf("%q", value), `os.Getenv("K")`
		switch {
		case r.Return:
			bad, good = "func() (any, error) { return "+bad+", nil }", "func() (any, error) { return "+good+", nil }"
		case r.Values:
			bad, good = `map[string]string{"Authorization": `+bad+`}`, `map[string]string{"Authorization": `+good+`}`
		case r.Pairs:
			bad, good = fmt.Sprintf("[]string{%q}", "API_TOKEN="+value), `[]string{"API_TOKEN=" + os.Getenv("K"), "PORT=8080"}`
		}
		want := " // want `hardcoded .*reaches .*" + r.Symbol() + "`"
		fmt.Fprintf(&b, "func use%d() {\n", i)
		switch {
		case r.Var != "":
			fmt.Fprintf(&b, "\tp.%s = %s\n\tp.%s = %s%s\n", r.Var, good, r.Var, bad, want)
		case strings.Contains(r.Field, "."):
			fmt.Fprintf(&b, "\tvar x p.%s\n\tx.%s = %s\n\tx.%s = %s%s\n\t_ = x\n", r.Recv, r.Field, good, r.Field, bad, want)
		case r.Field != "":
			fmt.Fprintf(&b, "\t_ = p.%s{%s: %s}\n\t_ = p.%s{%s: %s}%s\n\tvar x p.%s\n\tx.%s = %s\n\t_ = x\n", r.Recv, r.Field, good, r.Recv, r.Field, bad, want, r.Recv, r.Field, good)
		default:
			callee := "p." + r.Name
			if r.Recv != "" {
				callee = "new(p." + r.Recv + ")." + r.Name
			}
			fmt.Fprintf(&b, "\t%s(%s)\n\t%s(%s)%s\n", callee, arguments(r, good), callee, arguments(r, bad), want)
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

// arguments puts a value where the sink is.
func arguments(r sinks.Target, value string) string {
	args := make([]string, r.Arg+1)
	for i := range args {
		args[i] = "nil"
	}
	if r.NamedBy >= 0 {
		args[r.NamedBy] = `"api-token"`
	}
	args[r.Arg] = value
	return strings.Join(args, ", ")
}
