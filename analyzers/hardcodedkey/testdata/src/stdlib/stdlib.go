package stdlib

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"strings"
)

func direct(r *http.Request) {
	hmac.New(sha256.New, []byte("eightlet"))                           // want `hardcoded HMAC key \*{8} reaches crypto/hmac.New`
	aes.NewCipher([]byte("0123456789abcdef"))                          // want `encryption key 0123\*{8} reaches crypto/aes.NewCipher`
	des.NewCipher([]byte{1, 2, 3, 4, 5, 6, 7, 8})                      // want `reaches crypto/des.NewCipher`
	des.NewTripleDESCipher([]byte("24 bytes long, more or l"))         // want `reaches crypto/des.NewTripleDESCipher`
	rc4.NewCipher([]byte("streaming"))                                 // want `reaches crypto/rc4.NewCipher`
	pbkdf2.Key(sha256.New, "sunshine9", nil, 1, 32)                    // want `password \*{8} reaches crypto/pbkdf2.Key`
	ed25519.NewKeyFromSeed([]byte("a seed of thirty two bytes, yes.")) // want `private key a se\*{8} reaches crypto/ed25519.NewKeyFromSeed`
	tls.X509KeyPair(nil, []byte("not quite a key"))                    // want `reaches crypto/tls.X509KeyPair`
	x509.ParsePKCS8PrivateKey([]byte("der of a key"))                  // want `reaches crypto/x509.ParsePKCS8PrivateKey`
	smtp.PlainAuth("", "me", "hunter2x", "host")                       // want `reaches net/smtp.PlainAuth`
	smtp.CRAMMD5Auth("me", "hunter2x")                                 // want `reaches net/smtp.CRAMMD5Auth`
	r.SetBasicAuth("me", "hunter2x")                                   // want `reaches net/http.Request.SetBasicAuth`
	r.Header.Set("Authorization", "Bearer k9Xw2q8Z")                   // want `reaches net/http.Header.Set`
	r.Header.Add("X-Api-Key", "k9Xw2q8Z")                              // want `reaches net/http.Header.Add`
	url.UserPassword("me", "hunter2x")                                 // want `reaches net/url.UserPassword`
	sql.Open("mysql", "me:hunter2x@tcp(host)/db")                      // want `reaches database/sql.Open`
	sql.Open("postgres", "host=h user=u password=hunter2x")            // want `reaches database/sql.Open`
	flag.String("api-token", "k9Xw2q8Z", "a token")                    // want `reaches flag.String`
	os.Setenv("DB_PASSWORD", "hunter2x")                               // want `reaches os.Setenv`
}

func right(r *http.Request) {
	key := []byte(os.Getenv("KEY"))
	hmac.New(sha256.New, key)
	aes.NewCipher(key)
	smtp.PlainAuth("", "me", os.Getenv("P"), "host")
	r.SetBasicAuth("me", os.Getenv("P"))
	r.Header.Set("Authorization", "Bearer "+os.Getenv("T"))
	r.Header.Set("Content-Type", "application/json")
	sql.Open("mysql", "me@tcp(host)/db")
	sql.Open("postgres", "postgres://me:"+os.Getenv("P")+"@host/db")
	flag.String("token-file", "/etc/token", "where the token is")
	flag.String("api-token", "", "a token")
	os.Setenv("HOME", "/root")
}

const named = "constant-key" // want `HMAC key \*{8} reaches crypto/hmac.New`

var global = []byte("package-level") // want `reaches crypto/hmac.New`

type settings struct {
	secret string
	keys   map[string]string
}

//go:embed stdlib.go
var embedded string // want `the embedded file stdlib.go reaches crypto/hmac.New`

func flows() {
	hmac.New(sha256.New, []byte(named))
	hmac.New(sha256.New, global)
	hmac.New(sha256.New, []byte(embedded))
	s := settings{secret: "in a field", keys: nil} // want `reaches crypto/hmac.New`
	hmac.New(sha256.New, []byte(s.secret))
	m := map[string]string{"a": "map value A", "b": "map value B"} // want `reaches crypto/hmac.New`
	hmac.New(sha256.New, []byte(m["a"]))
	closure := func() string { return "from a closure" } // want `reaches crypto/hmac.New`
	hmac.New(sha256.New, []byte(closure()))
	hmac.New(sha256.New, []byte(result()))
	k := os.Getenv("K")
	if k == "" {
		k = "a default" // want `reaches crypto/hmac.New`
	}
	hmac.New(sha256.New, []byte(k))
	hmac.New(sha256.New, []byte(cmp.Or(os.Getenv("K"), "another default")))    // want `reaches crypto/hmac.New`
	hmac.New(sha256.New, []byte(strings.Join([]string{"joined", "key"}, "-"))) // want `reaches crypto/hmac.New`
	hmac.New(sha256.New, []byte(fmt.Sprintf("%s-%d", "formatted", 7)))         // want `reaches crypto/hmac.New`
	raw, _ := hex.DecodeString("6b65792069732068657265")                       // want `reaches crypto/hmac.New`
	hmac.New(sha256.New, raw)
	fmt.Println(either("HOST", "a.host:8080"))
	hmac.New(sha256.New, []byte(either("KEY", "one call's default"))) // want `reaches crypto/hmac.New \(`
	helper("by a helper")                                             // want `HMAC key \*{8} reaches crypto/hmac.New by way of helper`
	hmac.New(sha256.New, []byte("changeme"))                          // want `weak default \*{8} is used as a HMAC key by crypto/hmac.New`
}

func result() (key string) {
	key = "a named result" // want `reaches crypto/hmac.New`
	return
}

func helper(key string) { deeper([]byte(key)) } // want helper:`sink`

func deeper(key []byte) { hmac.New(sha256.New, key) } // want deeper:`sink`

func mode(b cipher.Block) cipher.Stream { return cipher.NewCTR(b, make([]byte, 16)) } // want `hardcoded nonce of zeros reaches crypto/cipher.NewCTR \(CWE-329\)`

func either(name, other string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return other
}
