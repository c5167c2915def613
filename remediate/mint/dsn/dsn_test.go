package dsn

import (
	"regexp"
	"strings"
	"testing"
)

var anyScheme = regexp.MustCompile(`[a-z+0-9]+://|^[^\s:@/]+:[^\s@]*@(?:tcp|unix)\(`)

func TestExtendAndReplace(t *testing.T) {
	const password = "Tr0ub4" + "dor-and-3"
	for _, c := range []struct{ text, whole, with string }{
		{`dsn := "postgres://app:PW@db:5432/app?sslmode=disable"`, "postgres://app:PW@db:5432/app?sslmode=disable", "postgres://u:n@db:5432/app?sslmode=disable"},
		{"url: redis://:PW@cache:6379/0 # comment", "redis://:PW@cache:6379/0", "redis://u:n@cache:6379/0"},
		{`x = 'postgresql+psycopg2://app:PW@db/app'`, "postgresql+psycopg2://app:PW@db/app", "postgresql+psycopg2://u:n@db/app"},
		{`DATABASE_URL=mysql://app:PW@db/app`, "mysql://app:PW@db/app", "mysql://u:n@db/app"},
		{`db: app:PW@tcp(db:3306)/app?parseTime=true`, "app:PW@tcp(db:3306)/app?parseTime=true", "u:n@tcp(db:3306)/app?parseTime=true"},
		{`dsn: host=db user=app password=PW dbname=app`, "host=db user=app password=PW dbname=app", "host=db user=u password=n dbname=app"},
		{`open("password='PW' host=db user=app")`, "password='PW' host=db user=app", "password=n host=db user=u"},
	} {
		text, whole := strings.ReplaceAll(c.text, "PW", password), strings.ReplaceAll(c.whole, "PW", password)
		start := strings.Index(text, password)
		from, to, ok := Extend([]byte(text), start, start+len(password), anyScheme)
		if !ok || text[from:to] != whole {
			t.Errorf("%s: extends to %q, %v", c.text, strings.ReplaceAll(text[from:to], password, "PW"), ok)
			continue
		}
		p, _ := Parse([]byte(whole))
		if p.Password([]byte(whole)) != password {
			t.Errorf("%s: the password is not read back", c.text)
		}
		if got, err := With([]byte(whole), "u", []byte("n")); err != nil || string(got) != c.with {
			t.Errorf("%s: with another: %s, %v", c.text, strings.ReplaceAll(string(got), password, "PW"), err)
		}
	}
}

func TestExtendRefuses(t *testing.T) {
	for _, text := range []string{"password: PW", "x=1 password=PW", `"PW"`, "see postgres://db/ and PW"} {
		start := strings.Index(text, "PW")
		if from, to, ok := Extend([]byte(text), start, start+2, anyScheme); ok {
			t.Errorf("%s: extends to %q", text, text[from:to])
		}
	}
}
