package option

func WithScopes(scopes ...string) any { return nil }
