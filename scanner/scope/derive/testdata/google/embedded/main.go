// Command embedded calls a service in a struct, in a goroutine.
package main

import (
	"context"
	"log"

	"google.golang.org/api/drive/v3"

	"example.com/programs/google/embedded/files"
)

func main() {
	svc, err := drive.NewService(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	f := files.Files{Service: svc}
	found, err := f.Find("name = 'log'")
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := f.Write("log", "hello")
		done <- err
	}()
	log.Println(len(found.Files), <-done)
}
