// Command make makes the histories that speed is measured on, below the folder
// that it is given.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/remint/remint/scanner/bench/histories"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: make FOLDER [large|double|…]")
		os.Exit(2)
	}
	specs := append(histories.Small(), histories.Large(), histories.Double())
	for _, s := range specs {
		if len(os.Args) > 2 && os.Args[2] != s.Name {
			continue
		}
		path, err := histories.Real(context.Background(), os.Args[1], s)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(path)
	}
}
