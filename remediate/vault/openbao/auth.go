package openbao

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/openbao/openbao/api/v2"
)

// Auth is a way to log in: AppRole, JWT or Kubernetes.
type Auth interface {
	login(ctx context.Context, c *api.Client) (token string, err error)
}

// AppRole logs in with a role's id and a secret id.
type AppRole struct {
	Mount            string // "approle" where it is empty
	RoleID, SecretID string
}

func (a AppRole) login(ctx context.Context, c *api.Client) (string, error) {
	return logIn(ctx, c, cmp.Or(a.Mount, "approle"), map[string]any{"role_id": a.RoleID, "secret_id": a.SecretID})
}

// JWT logs in with a token that a file holds, read anew each time: of a CI
// system or, with the mount "kubernetes", of a service account.
type JWT struct {
	Mount string // "jwt" where it is empty
	Role  string
	File  string
}

// KubernetesToken is where a pod finds its service account's token.
const KubernetesToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Kubernetes logs in as the pod's service account.
func Kubernetes(role string) JWT { return JWT{Mount: "kubernetes", Role: role, File: KubernetesToken} }

func (a JWT) login(ctx context.Context, c *api.Client) (string, error) {
	text, err := os.ReadFile(a.File)
	if err != nil {
		return "", fmt.Errorf("read the JWT: %w", err)
	}
	return logIn(ctx, c, cmp.Or(a.Mount, "jwt"), map[string]any{"role": a.Role, "jwt": strings.TrimSpace(string(text))})
}

func logIn(ctx context.Context, c *api.Client, mount string, with map[string]any) (string, error) {
	// The token that has ended must not be sent along.
	plain, err := c.CloneWithHeaders()
	if err != nil {
		return "", err
	}
	plain.ClearToken()
	secret, err := plain.Logical().WriteWithContext(ctx, "auth/"+mount+"/login", with)
	if err != nil {
		return "", err
	}
	if secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "" {
		return "", errors.New("the server gave no token")
	}
	return secret.Auth.ClientToken, nil
}
