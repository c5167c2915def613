package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"net/smtp"
)

func Sign(key string) hash.Hash { return sign([]byte(key)) } // want Sign:`sink\(0:hmac\)`

func sign(key []byte) hash.Hash { return hmac.New(sha256.New, key) } // want sign:`sink\(0:hmac\)`

func Mail(user, password string) smtp.Auth { return smtp.PlainAuth("", user, password, "host") } // want Mail:`sink\(1:pw\)`
