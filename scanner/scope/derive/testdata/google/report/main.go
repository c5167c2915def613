// Command report reads a table, exports a document, and leaves a draft of mail.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"os"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/gmail/v1"
	"google.golang.org/api/option"

	"example.com/programs/google/report/sheet"
)

func export(ctx context.Context, svc *drive.FilesService, id string) ([]byte, error) {
	resp, err := svc.Export(id, "application/pdf").Context(ctx).Download()
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func main() {
	ctx := context.Background()
	opts := []option.ClientOption{option.WithScopes(drive.DriveScope)}
	table, err := sheet.Open(ctx, os.Args[1], "A1:C", opts...)
	if err != nil {
		log.Fatal(err)
	}
	rows, err := table.Rows()
	if err != nil {
		log.Fatal(err)
	}
	files, err := drive.NewService(ctx, opts...)
	if err != nil {
		log.Fatal(err)
	}
	pdf, err := export(ctx, files.Files, os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	mail, err := gmail.NewService(ctx)
	if err != nil {
		log.Fatal(err)
	}
	message := &gmail.Message{Raw: base64.URLEncoding.EncodeToString(append(pdf, fmt.Sprint(rows)...))}
	if _, err := mail.Users.Drafts.Create("me", &gmail.Draft{Message: message}).Do(); err != nil {
		log.Fatal(err)
	}
}
