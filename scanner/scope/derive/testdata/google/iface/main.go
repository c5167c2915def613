// Command iface sends mail by way of an interface.
package main

import (
	"context"
	"log"
	"os"

	"google.golang.org/api/gmail/v1"

	"example.com/programs/google/iface/mail"
)

func main() {
	svc, err := gmail.NewService(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	senders := map[string]mail.Sender{"log": mail.Log{}, "gmail": &mail.Gmail{Messages: svc.Users.Messages}}
	if err := senders[os.Args[1]].Send("hello"); err != nil {
		log.Fatal(err)
	}
}
