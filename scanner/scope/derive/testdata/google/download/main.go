// Command download reads a file of Drive.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"google.golang.org/api/drive/v3"
)

func main() {
	svc, err := drive.NewService(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	call := svc.Files.Get(os.Args[1])
	meta, err := call.Do()
	if err != nil {
		log.Fatal(err)
	}
	log.Println(meta.Name)
	resp, err := svc.Files.Get(os.Args[1]).Download()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		log.Fatal(err)
	}
}
