// Command vaultserver runs a HashiCorp Vault server in memory, for tests of the
// openbao store. It prints its address and root token as JSON on one line, and
// ends with its standard input. Lines there are orders: "seal" and "unseal",
// which it answers with "done".
//
// It is a module of its own: Vault's licence is BUSL, and the product must not
// require it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	jwtauth "github.com/hashicorp/vault-plugin-auth-jwt"
	kubeauth "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/helper/testhelpers/corehelpers"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
	"github.com/hashicorp/vault/vault/plugincatalog"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "vaultserver:", err)
		os.Exit(1)
	}
}

// registry adds the logins that the helper's does not know.
type registry struct{ plugincatalog.BuiltinRegistry }

func (r registry) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	for known, factory := range map[string]logical.Factory{"jwt": jwtauth.Factory, "kubernetes": kubeauth.Factory} {
		if name == known && kind == consts.PluginTypeCredential {
			return func() (any, error) { return factory, nil }, true
		}
	}
	return r.BuiltinRegistry.Get(name, kind)
}

func (r registry) Contains(name string, kind consts.PluginType) bool {
	return name == "jwt" || name == "kubernetes" || r.BuiltinRegistry.Contains(name, kind)
}

func run() error {
	logger := hclog.NewNullLogger()
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical: storage, Logger: logger, DisableMlock: true,
		LogicalBackends:    map[string]logical.Factory{"kv": kv.Factory},
		CredentialBackends: map[string]logical.Factory{"approle": approle.Factory, "jwt": jwtauth.Factory, "kubernetes": kubeauth.Factory},
		BuiltinRegistry:    registry{corehelpers.NewMockBuiltinRegistry()},
	})
	if err != nil {
		return err
	}
	ctx := context.Background()
	made, err := core.Initialize(ctx, &vault.InitParams{
		BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}, RecoveryConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return err
	}
	unseal := func() error {
		_, err := core.Unseal(vault.TestKeyCopy(made.SecretShares[0]))
		return err
	}
	if err := unseal(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { _ = server.Serve(l) }()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"address": "http://" + l.Addr().String(), "token": made.RootToken}); err != nil {
		return err
	}
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		switch orders.Text() {
		case "seal":
			err = core.Seal(made.RootToken)
		case "unseal":
			err = unseal()
		}
		if err != nil {
			return err
		}
		fmt.Println("done")
	}
	return nil
}
