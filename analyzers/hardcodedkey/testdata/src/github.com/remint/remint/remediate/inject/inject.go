package inject

import "context"

func String(ctx context.Context, name string) (string, error) { return "", nil }

func Must[T any](value T, err error) T { return value }
