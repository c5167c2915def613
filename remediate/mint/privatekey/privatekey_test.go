package privatekey

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/ssh"

	"github.com/remint/remint/remediate/hsm"
	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/minttest"
)

// written makes an old key in a form.
func written(t *testing.T, kind hsm.Kind, f form) []byte {
	t.Helper()
	key, err := generate(kind)
	if err != nil {
		t.Fatal(err)
	}
	if f == formJWK {
		text, err := (&jose.JSONWebKey{Key: key, KeyID: "k1", Algorithm: "ES256"}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text, err := write(key, f, []byte("\n"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSuite(t *testing.T) {
	token := minttest.Token(t)
	for _, c := range []struct {
		kind hsm.Kind
		form form
	}{{hsm.RSA2048, formPKCS1}, {hsm.RSA2048, formPKCS8}, {hsm.ECP256, formSEC1}, {hsm.ECP384, formPKCS8}, {hsm.Ed25519, formPKCS8}, {hsm.Ed25519, formOpenSSH}, {hsm.RSA2048, formOpenSSH}, {hsm.ECP256, formJWK}} {
		for _, seal := range []bool{false, true} {
			name := string(c.kind) + " " + string(c.form)
			if seal {
				name += " sealed"
			}
			t.Run(name, func(t *testing.T) {
				minttest.Run(t, minttest.Case{
					Minter: provenOnly{Minter{}, Minter{}},
					Leak: func(t *testing.T) mint.Request {
						text := written(t, c.kind, c.form)
						return mint.Request{Leaked: mint.Leaked{Value: text, Secret: text}, HSM: token, Sealed: seal}
					},
					Check: func(t *testing.T, r *mint.Request, m mint.Minted) { check(t, c.kind, c.form, seal, m) },
				})
			})
		}
	}
}

// provenOnly is the Minter without orphans, which a sealed key has none of.
type provenOnly struct {
	mint.Minter
	mint.Prover
}

func check(t *testing.T, kind hsm.Kind, f form, seal bool, m mint.Minted) {
	t.Helper()
	if seal {
		key, got, err := parse(m.Value)
		if err != nil || got != f {
			t.Fatalf("the new key is written as %q: %v", got, err)
		}
		if k, _ := kindOf(key); k != kind {
			t.Errorf("a %s key in place of a %s key", k, kind)
		}
	} else if m.Held != hsm.AssuranceSoftware || !strings.Contains(string(m.Value), m.ID) || bytes.Contains(m.Value, []byte("PRIVATE KEY-----")) {
		t.Errorf("held as %q", m.Held)
	}
	if f == formOpenSSH {
		if _, _, _, _, err := ssh.ParseAuthorizedKey(m.Files[".pub"]); err != nil {
			t.Error(err)
		}
		return
	}
	block, _ := pem.Decode(m.Files[".pub.pem"])
	if block == nil {
		t.Fatal("no public key")
	}
	if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		t.Error(err)
	}
}

func TestOrphan(t *testing.T) {
	token := minttest.Token(t)
	text := written(t, hsm.ECP256, formSEC1)
	r := mint.Request{Leaked: mint.Leaked{Value: text, Secret: text}, HSM: token, Name: "app/key", Token: "0a0b0c0d"}
	first, err := Minter{}.Mint(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Minter{}.Mint(t.Context(), &r)
	if err != nil || !bytes.Equal(first.Value, again.Value) {
		t.Fatalf("minting again makes another: %v", err)
	}
	ids, err := Minter{}.Orphans(t.Context(), &r)
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	for range 2 {
		if err := (Minter{}).Remove(t.Context(), &r, ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := token.Key(t.Context(), ids[0]); !errors.Is(err, hsm.ErrNotFound) {
		t.Error("the key is still there")
	}
}

func TestCertificates(t *testing.T) {
	token := minttest.Token(t)
	text := written(t, hsm.ECP256, formSEC1)
	r := mint.Request{Leaked: mint.Leaked{Value: text, Secret: text}, HSM: token, Name: "app/key", Token: "0a0b0c0d", Settings: mint.Settings{Options: map[string]string{"certificate": "self-signed"}}}
	m, err := Minter{}.Mint(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(m.Files[".crt"])
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || cert.Subject.CommonName != "app/key" || cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
		t.Errorf("certificate: %v", err)
	}
	r.Settings.Options["certificate"] = "csr"
	if m, err = (Minter{}).Mint(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	block, _ = pem.Decode(m.Files[".csr"])
	if csr, err := x509.ParseCertificateRequest(block.Bytes); err != nil || csr.CheckSignature() != nil {
		t.Errorf("request: %v", err)
	}

	ca, err := token.Generate(t.Context(), "ssh-ca", hsm.ECP256)
	if err != nil {
		t.Fatal(err)
	}
	text = written(t, hsm.Ed25519, formOpenSSH)
	r.Leaked, r.Token = mint.Leaked{Value: text, Secret: text}, "0a0b0c0e"
	r.Settings.Options = map[string]string{"ssh-ca": "ssh-ca", "ssh-principals": "deploy"}
	if m, err = (Minter{}).Mint(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(m.Files["-cert.pub"])
	if err != nil {
		t.Fatal(err)
	}
	authority, err := ssh.NewPublicKey(ca.(crypto.Signer).Public())
	if err != nil {
		t.Fatal(err)
	}
	checker := ssh.CertChecker{IsUserAuthority: func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), authority.Marshal()) }}
	if err := checker.CheckCert("deploy", public.(*ssh.Certificate)); err != nil {
		t.Error(err)
	}
	if err := checker.CheckCert("root", public.(*ssh.Certificate)); err == nil {
		t.Error("the certificate opens an account that it does not name")
	}
}

func TestDamagedKeysAreErrors(t *testing.T) {
	for _, text := range []string{"", "-----BEGIN PRIVATE KEY-----", "{}", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----"} {
		if _, _, err := parse([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	key := written(t, hsm.ECP256, formSEC1)
	if _, _, err := parse(bytes.ReplaceAll(key, []byte("\n"), []byte(`\n`))); err != nil {
		t.Errorf("with escaped line ends: %v", err)
	}
}
