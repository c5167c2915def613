package privatekey

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/remint/remint/remediate/mint"
)

// beside makes what is published of a key: its public half, and a certificate
// or a request for one where the configuration asks for it.
func beside(ctx context.Context, r *mint.Request, key crypto.Signer, f form) (map[string][]byte, error) {
	if f == formOpenSSH {
		return besideSSH(ctx, r, key)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{".pub.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
	o := r.Settings.Options
	subject := pkix.Name{CommonName: o["subject"]}
	if subject.CommonName == "" {
		subject.CommonName = r.Name
	}
	switch o["certificate"] {
	case "":
	case "csr":
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
		if err != nil {
			return nil, fmt.Errorf("make a certificate request: %w", err)
		}
		files[".csr"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	case "self-signed":
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
		if err != nil {
			return nil, err
		}
		template := &x509.Certificate{SerialNumber: serial, Subject: subject, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(lifetime(r)), KeyUsage: x509.KeyUsageDigitalSignature}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return nil, fmt.Errorf("make a certificate: %w", err)
		}
		files[".crt"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	default:
		return nil, fmt.Errorf("providers.privatekey.certificate: want csr or self-signed, not %q", o["certificate"])
	}
	return files, nil
}

// lifetime is that of certificates: the request's, or 90 days.
func lifetime(r *mint.Request) time.Duration {
	if r.Lifetime > 0 {
		return r.Lifetime
	}
	return 90 * 24 * time.Hour
}

// besideSSH makes the line for authorized_keys, and a certificate by the CA key
// of the token where there is one (PROTOCOL.certkeys of OpenSSH).
func besideSSH(ctx context.Context, r *mint.Request, key crypto.Signer) (map[string][]byte, error) {
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{".pub": ssh.MarshalAuthorizedKey(public)}
	label := r.Settings.Options["ssh-ca"]
	if label == "" {
		return files, nil
	}
	caKey, err := r.HSM.Key(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("the SSH authority's key %s: %w", label, err)
	}
	signer, ok := caKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the SSH authority's key %s does not sign", label)
	}
	ca, err := ssh.NewSignerFromSigner(signer)
	if err != nil {
		return nil, fmt.Errorf("the SSH authority's key %s: %w", label, err)
	}
	principals := strings.FieldsFunc(r.Settings.Options["ssh-principals"], func(c rune) bool { return c == ',' || c == ' ' })
	if len(principals) == 0 {
		return nil, fmt.Errorf("an SSH certificate without principals opens every account: name them as providers.privatekey.ssh-principals")
	}
	now := time.Now()
	cert := &ssh.Certificate{
		Key: public, CertType: ssh.UserCert, KeyId: r.Label(maxLabel), ValidPrincipals: principals,
		ValidAfter: uint64(now.Add(-time.Minute).Unix()), ValidBefore: uint64(now.Add(lifetime(r)).Unix()),
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		return nil, fmt.Errorf("sign the SSH certificate: %w", err)
	}
	files["-cert.pub"] = ssh.MarshalAuthorizedKey(cert)
	return files, nil
}
