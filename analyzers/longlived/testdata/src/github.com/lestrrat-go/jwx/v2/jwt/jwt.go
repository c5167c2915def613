package jwt

import "time"

type Builder struct{}

func NewBuilder() *Builder                         { return nil }
func (b *Builder) Issuer(s string) *Builder        { return b }
func (b *Builder) Expiration(t time.Time) *Builder { return b }
func (b *Builder) Build() (any, error)             { return nil, nil }
