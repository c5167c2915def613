package tokens

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/hashicorp/vault/api"
	jwx "github.com/lestrrat-go/jwx/v2/jwt"
	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
)

type claims struct {
	User string
	jwt.RegisteredClaims
}

func bad() {
	jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "me"}) // want `JWT claims without exp: a token without exp is valid for ever \(CWE-613\)`
	m := jwt.MapClaims{"sub": "me"}                                       // want `JWT claims without exp`
	jwt.NewWithClaims(jwt.SigningMethodHS256, m)
	jwt.NewWithClaims(jwt.SigningMethodHS256, claims{User: "me", RegisteredClaims: jwt.RegisteredClaims{Issuer: "us"}}) // want `jwt.RegisteredClaims without ExpiresAt`
	jwt.NewWithClaims(jwt.SigningMethodHS256, &claims{User: "me"})                                                      // want `JWT claims without exp`
	jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		ExpiresAt: jwt.NewNumericDate(time.Now().AddDate(5, 0, 0)), // want `5 years away`
	})
	jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"exp": time.Now().Add(10 * 365 * 24 * time.Hour).Unix()}) // want `claims.exp is 10 years away`
	_ = authv1.TokenRequest{Spec: authv1.TokenRequestSpec{Audiences: []string{"x"}}}                                  // want `TokenRequestSpec without ExpirationSeconds`
	year := int64(365 * 24 * 3600)
	_ = authv1.TokenRequestSpec{ExpirationSeconds: &year}         // want `ExpirationSeconds is 365 days away`
	_ = corev1.Secret{Type: corev1.SecretTypeServiceAccountToken} // want `holds a token that never ends`
	_ = &api.TokenCreateRequest{Policies: []string{"x"}}          // want `api.TokenCreateRequest without TTL or ExplicitMaxTTL or Period`
	_ = &api.TokenCreateRequest{TTL: "87600h"}                    // want `is 10 years away`
	_, _ = jwx.NewBuilder().Issuer("us").Build()                  // want `JWT without Expiration`
}

func good(exp time.Time, fill func(jwt.MapClaims), ttl string) {
	jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "me", "exp": exp.Unix()})
	jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()})
	m := jwt.MapClaims{"sub": "me"}
	m["exp"] = exp
	jwt.NewWithClaims(jwt.SigningMethodHS256, m)
	n := jwt.MapClaims{}
	fill(n)
	jwt.NewWithClaims(jwt.SigningMethodHS256, n)
	c := &claims{User: "me"}
	c.ExpiresAt = jwt.NewNumericDate(exp)
	jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	_ = authv1.TokenRequestSpec{ExpirationSeconds: new(int64(3600))}
	_ = &api.TokenCreateRequest{TTL: ttl}
	_ = &api.TokenCreateRequest{TTL: "1h"}
	_ = corev1.Secret{Type: "Opaque"}
	_, _ = jwx.NewBuilder().Issuer("us").Expiration(exp).Build()
}

func parse(text string) error {
	var c claims
	_ = jwt.ParseWithClaims(text, &jwt.RegisteredClaims{}, nil)
	return jwt.ParseWithClaims(text, &c, nil)
}
