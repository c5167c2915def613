package main

import (
	"context"
	"log"

	"github.com/aws/aws-sdk-go-v2/config"

	"example.com/programs/aws/rotate/vault"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	v := vault.Open(cfg)
	if err := v.Rotate(context.Background(), "prod/orders/db"); err != nil {
		log.Fatal(err)
	}
	if err := v.Note(context.Background(), "rotated"); err != nil {
		log.Fatal(err)
	}
}
