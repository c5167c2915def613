// Command wrapper comes to the API by way of another package.
package main

import (
	"context"
	"fmt"
	"log"

	"example.com/programs/google/wrapper/agenda"
)

func main() {
	ctx := context.Background()
	a, err := agenda.New(ctx, "primary")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Today(ctx))
}
