// Command embedded calls methods that a struct has from the client in it.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/programs/aws/embedded/db"
)

type getter interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

func user(ctx context.Context, g getter, id string) error {
	_, err := g.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("users"), Key: db.Key(id)})
	return err
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	d := db.DB{Client: dynamodb.NewFromConfig(cfg)}
	if err := user(ctx, d, os.Args[1]); err != nil {
		log.Fatal(err)
	}
	if _, err := d.ByMail(ctx, os.Args[2]); err != nil {
		log.Fatal(err)
	}
	_, err = d.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"sessions": {Keys: []map[string]types.AttributeValue{db.Key("1"), db.Key("2")}},
	}})
	if err != nil {
		log.Fatal(err)
	}
}
