package launch

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
)

// nodeHook lets Node sign with keys that stay in their token.
//
//go:embed node.cjs
var nodeHook []byte

const nodeOptions = "NODE_OPTIONS"

// forNode loads the hook into Node where a variable has the URI of a key.
func (h *handover) forNode() error {
	for _, value := range h.env {
		if !strings.HasPrefix(value, "pkcs11:") && !strings.HasPrefix(value, "software:") {
			continue
		}
		name := filepath.Join(h.dir, "remint.cjs")
		if err := os.WriteFile(name, nodeHook, 0o600); err != nil {
			return err
		}
		h.env[nodeOptions] = strings.TrimSpace(os.Getenv(nodeOptions) + " --require=" + name)
		return nil
	}
	return nil
}
