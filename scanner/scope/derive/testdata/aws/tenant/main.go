// Command tenant keeps things of several kinds by one generic store, whose tables their types name.
package main

import (
	"context"
	"log"

	"example.com/programs/aws/tenant/repo"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

type user struct{ ID string }

func (user) Table() string { return "users" }
func (u user) Key() string { return u.ID }

type tenant struct{ ID string }

func (tenant) Table() string { return "tenants" }
func (t tenant) Key() string { return t.ID }

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	db := dynamodb.NewFromConfig(cfg)
	users, tenants := repo.New[user](db), repo.New[tenant](db)
	u, err := users.Get(ctx, "1")
	if err != nil {
		log.Fatal(err)
	}
	if err := tenants.Put(ctx, tenant{u.ID}); err != nil {
		log.Fatal(err)
	}
	log.Print(repo.Lookup(ctx, db, []string{"a"}))
	log.Print(repo.Recent(ctx, db, "1"))
}
