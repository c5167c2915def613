package oauth2

type Endpoint struct{ AuthURL, TokenURL string }

type Config struct {
	ClientID string
	Endpoint Endpoint
	Scopes   []string
}
