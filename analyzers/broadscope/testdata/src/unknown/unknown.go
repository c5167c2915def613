package unknown

import "golang.org/x/oauth2"

// Nobody knows whose scopes these are.
var c = oauth2.Config{Scopes: []string{"repo", "api", "admin", "user", "openid", "write"}}
