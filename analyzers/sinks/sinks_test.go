package sinks

import "testing"

func TestTable(t *testing.T) {
	all, err := parse(table)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 250 {
		t.Errorf("the table has %d rows", len(all))
	}
	seen := map[string]bool{}
	for _, row := range all {
		key := row.Package + " " + row.Symbol() + " " + string(rune('0'+row.Arg))
		if seen[key] {
			t.Errorf("%s stands twice", key)
		}
		seen[key] = true
		if plain := Unversioned(row.Package); plain != row.Package && Lookup(plain) == nil {
			t.Errorf("%s has a major version, and no row holds for the others", row.Package)
		}
	}
}

func TestLookup(t *testing.T) {
	for path, want := range map[string]bool{
		"crypto/hmac":                                        true,
		"github.com/golang-jwt/jwt/v5":                       true,
		"github.com/google/go-github/v73/github":             true,
		"gopkg.in/square/go-jose.v2":                         true,
		"example.com/app/vendor/github.com/lib/pq":           true,
		"github.com/lestrrat-go/jwx/v3/jwk":                  true,
		"fmt":                                                false,
		"github.com/golang-jwt/jwtother":                     false,
		"github.com/aws/aws-sdk-go-v2/service/s3":            false,
		"github.com/minio/minio-go/v7/pkg/credentials":       true,
		"github.com/redis/go-redis/v9":                       true,
		"go.mongodb.org/mongo-driver/v2/mongo/options":       true,
		"github.com/go-git/go-git/v5/plumbing/transport/ssh": true,
	} {
		if got := Lookup(path) != nil; got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestBadRows(t *testing.T) {
	for _, row := range []string{"fmt Print 0", "fmt Print x token", "fmt Print 0 nothing", "fmt Print 0 token sometimes"} {
		if _, err := parse(row); err == nil {
			t.Errorf("%q is taken", row)
		}
	}
}
