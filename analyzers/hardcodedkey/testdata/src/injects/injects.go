package injects

import (
	"context"
	"net/http"
	"net/smtp"
)

func mail(ctx context.Context) {
	password := "hunter2x" // want `hardcoded password`
	smtp.PlainAuth("", "me", password, "mail")
}

func handle(w http.ResponseWriter, r *http.Request) {
	r.SetBasicAuth("me", "hunter2y") // want `hardcoded password`
}

func without() {
	smtp.PlainAuth("", "me", "hunter2z", "mail") // want `hardcoded password`
}
