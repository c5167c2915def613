package fix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remint/remint/remediate/mint"
	"github.com/remint/remint/remediate/mint/awsiam"
	"github.com/remint/remint/remediate/mint/cloudflare"
	"github.com/remint/remint/remediate/mint/gcp"
	"github.com/remint/remint/remediate/mint/github"
	"github.com/remint/remint/remediate/mint/gitlab"
	"github.com/remint/remint/remediate/mint/guided"
	"github.com/remint/remint/remediate/mint/mysql"
	"github.com/remint/remint/remediate/mint/npm"
	"github.com/remint/remint/remediate/mint/openai"
	"github.com/remint/remint/remediate/mint/openbao"
	"github.com/remint/remint/remediate/mint/postgres"
	"github.com/remint/remint/remediate/mint/privatekey"
	"github.com/remint/remint/remediate/mint/random"
	"github.com/remint/remint/remediate/mint/redis"
	"github.com/remint/remint/remediate/mint/sendgrid"
	"github.com/remint/remint/remediate/mint/symmetric"
)

// Minters are all that there are, but the guided one, which is each rule's own.
func Minters() []mint.Minter {
	return []mint.Minter{
		awsiam.Minter{}, cloudflare.Minter{}, gcp.Minter{}, github.Minter{}, gitlab.Minter{}, mysql.Minter{}, npm.Minter{}, openai.Minter{}, openbao.Minter{},
		postgres.Minter{}, privatekey.Minter{}, random.Minter{}, redis.Minter{}, sendgrid.Minter{}, symmetric.Minter{},
	}
}

const guidedID = "guided"

// minter is the one that an item names.
func (i *Item) minter() (mint.Minter, error) {
	if i.Minter == guidedID {
		return guided.Minter{URL: i.url, Steps: i.steps}, nil
	}
	names := []string{guidedID}
	for _, m := range Minters() {
		if m.ID() == i.Minter {
			return m, nil
		}
		names = append(names, m.ID())
	}
	slices.Sort(names)
	return nil, fmt.Errorf("%s: there is no minter %q: want one of %s", i.Entry, i.Minter, strings.Join(names, ", "))
}
