package fixes

import "google.golang.org/api/option"

var client = option.WithScopes("https://www.googleapis.com/auth/drive") // want `is broad`
