// Package mail sends mail in two ways.
package mail

import (
	"log"

	"google.golang.org/api/gmail/v1"
)

// Sender sends.
type Sender interface{ Send(raw string) error }

// Gmail sends by Gmail.
type Gmail struct{ Messages *gmail.UsersMessagesService }

// Send implements Sender.
func (g *Gmail) Send(raw string) error {
	_, err := g.Messages.Send("me", &gmail.Message{Raw: raw}).Do()
	return err
}

// Drafts only writes drafts, and is never made.
type Drafts struct{ Service *gmail.Service }

// Send implements Sender.
func (d *Drafts) Send(raw string) error {
	_, err := d.Service.Users.Drafts.Create("me", &gmail.Draft{Message: &gmail.Message{Raw: raw}}).Do()
	return err
}

// Log sends nothing.
type Log struct{}

// Send implements Sender.
func (Log) Send(raw string) error { log.Println(raw); return nil }
