package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/google/go-github/v88/github"
)

func main() {
	ctx := context.Background()
	c, err := github.NewClient(github.WithAuthToken(os.Getenv("GH_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	u, _, err := c.Users.Get(ctx, "")
	fmt.Println(u, err)
	mails, _, err := c.Users.ListEmails(ctx, nil)
	fmt.Println(mails, err)
	key, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	k := string(key)
	if _, _, err := c.Users.CreateKey(ctx, &github.Key{Key: &k}); err != nil {
		log.Fatal(err)
	}
	g, _, err := c.Gists.Create(ctx, &github.Gist{})
	fmt.Println(g, err)
	_, err = c.Activity.Star(ctx, "golang", "go")
	fmt.Println(err)
	found, _, err := c.Search.Issues(ctx, "author:@me is:open", nil)
	fmt.Println(found.GetTotal(), err)
	l, _, err := c.RateLimit.Get(ctx)
	fmt.Println(l, err)
}
