package v1

type TokenRequestSpec struct {
	Audiences         []string
	ExpirationSeconds *int64
}

type TokenRequest struct{ Spec TokenRequestSpec }
