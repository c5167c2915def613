package s3

import "time"

type PresignOptions struct{ Expires time.Duration }

func WithPresignExpires(d time.Duration) func(*PresignOptions) { return nil }
