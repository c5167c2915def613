// Command several reads mail, answers it, and looks into the calendar.
package main

import (
	"context"
	"log"

	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/gmail/v1"
)

func main() {
	ctx := context.Background()
	mail, err := gmail.NewService(ctx)
	if err != nil {
		log.Fatal(err)
	}
	list, err := mail.Users.Messages.List("me").Q("is:unread").Do()
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range list.Messages {
		full, err := mail.Users.Messages.Get("me", m.Id).Do()
		if err != nil {
			log.Fatal(err)
		}
		if _, err := mail.Users.Messages.Send("me", &gmail.Message{ThreadId: full.ThreadId}).Do(); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := mail.Users.Labels.List("me").Do(); err != nil {
		log.Fatal(err)
	}
	cal, err := calendar.NewService(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := cal.Freebusy.Query(&calendar.FreeBusyRequest{}).Do(); err != nil {
		log.Fatal(err)
	}
}
