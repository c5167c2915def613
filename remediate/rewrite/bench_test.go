package rewrite

import "testing"

func BenchmarkSmallPython(b *testing.B) {
	text := []byte("SECRET_KEY = '" + planted + "'\n")
	for b.Loop() {
		r := File("settings.py", text, []Change{{14, 14 + len(planted), "SECRET_KEY", "a/b"}}, Options{Style: Env})
		if len(r.Refused) > 0 {
			b.Fatal(r.Refused)
		}
	}
}
