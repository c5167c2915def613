package rewrite

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// An oracle is a language's own parser: it prints the names of those of its
// files that it does not parse, with the reason, one a line.
type oracle struct {
	corpus, program string
	endings         []string // the files that it reads; nil for all
	command         func(dir string, files []string) *exec.Cmd
}

var oracles = []oracle{
	{corpus: "python", program: "python3", command: func(dir string, files []string) *exec.Cmd {
		return exec.Command("python3", append([]string{"-c", `
import ast, sys, warnings
warnings.simplefilter("ignore")
for f in sys.argv[1:]:
    try:
        ast.parse(open(f, "rb").read())
    except SyntaxError as e:
        print(f, e)
`}, files...)...)
	}},
	{corpus: "javascript", program: "node", endings: []string{".js", ".cjs", ".mjs"}, command: func(dir string, files []string) *exec.Cmd {
		return exec.Command("node", append([]string{"--experimental-vm-modules", "--no-warnings", "-e", `
const fs = require("fs"), vm = require("vm");
for (const f of process.argv.slice(1)) {
  const text = fs.readFileSync(f, "utf8").replace(/^\ufeff/, "");
  try { new vm.SourceTextModule(text); } catch (e) {
    try { new Function(text.replace(/^#!.*/, "")); } catch (e) { console.log(f, String(e)); }
  }
}
`, "--"}, files...)...)
	}},
	{corpus: "ruby", program: "ruby", command: func(dir string, files []string) *exec.Cmd {
		return exec.Command("ruby", append([]string{"-W0", "-e", `
ARGV.each do |f|
  RubyVM::InstructionSequence.compile(File.read(f, encoding: "bom|utf-8"))
rescue SyntaxError => e
  puts "#{f} #{e.message.lines.first}"
end
`}, files...)...)
	}},
	{corpus: "php", program: "php", command: func(dir string, files []string) *exec.Cmd {
		return exec.Command("php", append([]string{"-d", "error_reporting=0", "-r", `
foreach (array_slice($argv, 1) as $f) {
    try { token_get_all(file_get_contents($f), TOKEN_PARSE); } catch (ParseError $e) { echo $f, " ", $e->getMessage(), "\n"; }
}
`, "--"}, files...)...)
	}},
	{corpus: "java", program: "javac", command: func(dir string, files []string) *exec.Cmd {
		source := filepath.Join(dir, "Parse.java")
		if err := os.WriteFile(source, []byte(parseJava), 0o600); err != nil {
			panic(err)
		}
		return exec.Command("java", append([]string{source}, files...)...)
	}},
	{corpus: "csharp", program: "mcs", command: func(dir string, files []string) *exec.Cmd {
		return exec.Command("mcs", append([]string{"--parse", "-langversion:latest"}, files...)...)
	}},
	{corpus: "rust", program: "rustfmt", command: func(dir string, files []string) *exec.Cmd {
		return exec.Command("rustfmt", append([]string{"--edition", "2021", "--check", "--config", "error_on_line_overflow=false", "-l"}, files...)...)
	}},
}

const parseJava = `
import com.sun.source.util.JavacTask;
import java.nio.file.*;
import javax.tools.*;

public class Parse {
    public static void main(String[] files) throws Exception {
        JavaCompiler c = ToolProvider.getSystemJavaCompiler();
        for (String f : files) {
            DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
            StandardJavaFileManager m = c.getStandardFileManager(found, null, null);
            JavacTask t = (JavacTask) c.getTask(null, m, found, null, null, m.getJavaFileObjects(Path.of(f)));
            t.parse();
            for (Diagnostic<?> d : found.getDiagnostics())
                if (d.getKind() == Diagnostic.Kind.ERROR) { System.out.println(f + " " + d.getMessage(null)); break; }
        }
    }
}
`

// TestOracle has every original and every result of the corpora parsed by the
// language's own parser: what parsed before parses after.
func TestOracle(t *testing.T) {
	for _, o := range oracles {
		t.Run(o.corpus, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(o.program); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			before, after := o.write(t)
			broken := o.broken(t, slices.Concat(before, after))
			parsed := 0
			for i := range before {
				if broken[before[i]] != "" {
					t.Logf("%s is not read: %s", filepath.Base(before[i]), broken[before[i]])
					continue
				}
				if parsed++; broken[after[i]] != "" {
					text, _ := os.ReadFile(after[i])
					t.Errorf("%s\n%s", broken[after[i]], text)
				}
			}
			t.Logf("%d of %d files", parsed, len(before))
			if parsed < len(before)/2 {
				t.Errorf("only %d of %d originals parse", parsed, len(before))
			}
		})
	}
}

// write writes the originals and the results of a corpus that differ, and
// returns their paths.
func (o oracle) write(t *testing.T) (before, after []string) {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", o.corpus+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, f := range a.Files {
		if strings.HasSuffix(f.Name, ".want") || o.endings != nil && !slices.Contains(o.endings, path.Ext(f.Name)) {
			continue
		}
		text, changes := marked(t, f.Data)
		r := File(f.Name, text, changes, Options{Style: Env})
		if bytes.Equal(r.Text, text) {
			continue
		}
		for j, one := range [][]byte{text, r.Text} {
			name := filepath.Join(dir, fmt.Sprintf("%03d-%d-%s", i, j, path.Base(f.Name)))
			if err := os.WriteFile(name, one, 0o600); err != nil {
				t.Fatal(err)
			}
			if j == 0 {
				before = append(before, name)
			} else {
				after = append(after, name)
			}
		}
	}
	return before, after
}

// broken are the files that are not parsed, with the reason.
func (o oracle) broken(t *testing.T, files []string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	var out bytes.Buffer
	cmd := o.command(t.TempDir(), files)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	text := out.String()
	for l := range strings.Lines(text) {
		for _, f := range files {
			// rustfmt names what it would lay out otherwise, mcs classes of one name
			if strings.Contains(l, f) && !strings.HasPrefix(l, f+"\n") && (o.program != "mcs" || strings.Contains(l, "error CS1")) {
				all[f] = strings.TrimSpace(l)
			}
		}
	}
	if err != nil && !strings.Contains(text, files[0][:len(filepath.Dir(files[0]))]) {
		t.Fatalf("%v: %s", err, text)
	}
	return all
}
