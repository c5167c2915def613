package fixes

import (
	"crypto/hmac"
	"crypto/sha256"
)

const signingKey = "eightlet" // want `reaches crypto/hmac.New`

func a() {
	hmac.New(sha256.New, []byte(signingKey))
	hmac.New(sha256.New, []byte("in place")) // want `reaches crypto/hmac.New`
	dbPassword := "a variable"               // want `reaches crypto/hmac.New`
	hmac.New(sha256.New, []byte(dbPassword))
}

const length = "sized key" // want `reaches crypto/hmac.New`

const twice = length + "more"

func b() { hmac.New(sha256.New, []byte(length)) }
