// Command onecall lists the names of files in Drive.
package main

import (
	"context"
	"fmt"
	"log"

	"google.golang.org/api/drive/v3"
)

func main() {
	svc, err := drive.NewService(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	list, err := svc.Files.List().PageSize(10).Fields("files(id, name)").Do()
	fmt.Println(list, err)
}
