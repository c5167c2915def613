// Package repo is a store of anything, by type parameters.
package repo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type Entity interface {
	Table() string
	Key() string
}

type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

type Repo[T Entity] struct{ api API }

func New[T Entity](api API) Repo[T] { return Repo[T]{api} }

func (r Repo[T]) table() *string {
	var zero T
	return aws.String(zero.Table())
}

var ErrNone = errors.New("none")

func (r Repo[T]) Get(ctx context.Context, id string) (v T, err error) {
	out, err := r.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: r.table(), Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return v, err
	}
	if out.Item == nil {
		return v, ErrNone
	}
	return v, nil
}

func (r Repo[T]) Put(ctx context.Context, v T) error {
	item := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: v.Key()}}
	_, err := r.api.PutItem(ctx, &dynamodb.PutItemInput{TableName: r.table(), Item: item})
	return err
}

func Lookup(ctx context.Context, api API, ids []string) (int, error) {
	var ks []map[string]types.AttributeValue
	for _, id := range ids {
		ks = append(ks, map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}})
	}
	out, err := api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"aliases": {Keys: ks}}})
	if err != nil {
		return 0, err
	}
	return len(out.Responses["aliases"]), nil
}

func Recent(ctx context.Context, api API, tenant string) (*dynamodb.QueryOutput, error) {
	in := base("users")
	in.IndexName = aws.String("by-tenant")
	in.KeyConditionExpression = aws.String("tenant = :t")
	in.ExpressionAttributeValues = map[string]types.AttributeValue{":t": &types.AttributeValueMemberS{Value: tenant}}
	return api.Query(ctx, in)
}

func base(table string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{TableName: aws.String(table), Limit: aws.Int32(10)}
}
