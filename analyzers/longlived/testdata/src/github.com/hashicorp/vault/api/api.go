package api

type TokenCreateRequest struct {
	Policies                    []string
	TTL, ExplicitMaxTTL, Period string
}
