// Command transact takes on a role and writes in a transaction.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := sts.NewFromConfig(cfg)
	if _, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
		log.Fatal(err)
	}
	cfg.Credentials = stscreds.NewAssumeRoleProvider(client, "arn:aws:iam::123456789012:role/ledger")
	_, err = dynamodb.NewFromConfig(cfg).TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("ledger"), Item: map[string]types.AttributeValue{}}},
		{Update: &types.Update{TableName: aws.String("totals"), Key: map[string]types.AttributeValue{}}},
	}})
	if err != nil {
		log.Fatal(err)
	}
}
