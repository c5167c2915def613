package jwt

import "time"

type MapClaims map[string]any

type NumericDate struct{ time.Time }

func NewNumericDate(t time.Time) *NumericDate { return &NumericDate{t} }

type RegisteredClaims struct {
	Issuer, Subject string
	ExpiresAt       *NumericDate
}

type Token struct{}

var SigningMethodHS256 any

func NewWithClaims(method any, claims any) *Token { return nil }

func ParseWithClaims(text string, claims any, key any) error { return nil }
