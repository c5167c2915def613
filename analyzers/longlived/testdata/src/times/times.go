package times

import (
	"crypto/x509"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const week = 7 * 24 * time.Hour

func bad() {
	now := time.Now()
	_ = x509.Certificate{NotBefore: now, NotAfter: now.AddDate(10, 0, 0)}         // want `Certificate.NotAfter is 10 years away`
	_ = x509.Certificate{NotAfter: now.Add(20 * 365 * 24 * time.Hour)}            // want `20 years away`
	_ = x509.Certificate{IsCA: true, NotAfter: time.Now().AddDate(30, 0, 0)}      // want `30 years away`
	_ = x509.Certificate{NotAfter: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)} // want `290 years away`
	s3.WithPresignExpires(2 * week)                                               // want `WithPresignExpires is 14 days away`
	_ = func(o *s3.PresignOptions) { o.Expires = 30 * 24 * time.Hour }            // want `PresignOptions.Expires is 30 days away`
}

func good(d time.Duration) {
	now := time.Now()
	_ = x509.Certificate{NotAfter: now.AddDate(1, 0, 0)}
	_ = x509.Certificate{IsCA: true, NotAfter: now.AddDate(10, 0, 0)}
	_ = x509.Certificate{NotAfter: now.Add(d)}
	_ = x509.Certificate{}
	s3.WithPresignExpires(15 * time.Minute)
	s3.WithPresignExpires(week)
	_ = func(o *s3.PresignOptions) { o.Expires = d }
}
