// Command raw calls one method by itself, one by an interface that only a
// plugin makes, and one by HTTP.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"plugin"

	"golang.org/x/oauth2/google"
	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"
)

type lister interface {
	Do(opts ...googleapi.CallOption) (*calendar.Events, error)
}

func main() {
	ctx := context.Background()
	svc, err := calendar.NewService(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := svc.Settings.List().Do(); err != nil {
		log.Fatal(err)
	}
	p, err := plugin.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	symbol, err := p.Lookup("Events")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := symbol.(lister).Do(); err != nil {
		log.Fatal(err)
	}
	client, err := google.DefaultClient(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var resp *http.Response
	if resp, err = client.Get("https://people.googleapis.com/v1/people/me/connections"); err != nil {
		log.Fatal(err)
	}
	log.Println(resp.Status)
}
