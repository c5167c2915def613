// Command generic runs every call by one function.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/sheets/v4"
)

type doer[T any] interface {
	Do(opts ...googleapi.CallOption) (T, error)
}

func run[T any](call doer[T]) T {
	out, err := call.Do()
	if err != nil {
		log.Fatal(err)
	}
	return out
}

func main() {
	svc, err := sheets.NewService(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	values := run[*sheets.ValueRange](svc.Spreadsheets.Values.Get(os.Args[1], "A1:B2"))
	fmt.Println(values.Values)
	fmt.Println(run[*sheets.Spreadsheet](svc.Spreadsheets.Get(os.Args[1])).Properties.Title)
}
