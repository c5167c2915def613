// Package db is a client of DynamoDB with more methods.
package db

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DB has all that the client has.
type DB struct {
	*dynamodb.Client
}

// Key is a key of one string.
func Key(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}}
}

// ByMail asks an index.
func (d DB) ByMail(ctx context.Context, mail string) (*dynamodb.QueryOutput, error) {
	return d.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("users"), IndexName: aws.String("by-mail"),
		KeyConditionExpression:    aws.String("mail = :m"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":m": &types.AttributeValueMemberS{Value: mail}},
	})
}

// Drop is called by nobody.
func (d DB) Drop(ctx context.Context) error {
	_, err := d.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String("users")})
	return err
}
