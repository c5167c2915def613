package config

import (
	"encoding/base64"
	"fmt"
)

// Template returns the commented .remint.yaml that a project starts with.
// Prose stands behind "# "; any other line that starts with # is an example,
// in use once the # is gone. salt is random, 16 bytes or more.
func Template(salt []byte) []byte {
	return fmt.Appendf(nil, template, Version, base64.StdEncoding.EncodeToString(salt))
}

const template = `# How remint scans this project. Commit this file.
# Every key is explained in docs/configuration.md of remint. To use an example,
# take the # off the start of its lines.

version: %d

# Keys the fingerprints of findings, so that nobody can look a secret up by its
# fingerprint in a table made for all projects. It is not a secret itself.
# Changing it changes every fingerprint: .remintignore and the baseline with it.
salt: %s

# Which rules run. Ids are those of "remint rules list"; * stands for anything.
#rules:
#  # Off, unless enable names them. Without disable, enable means: only these.
#  disable: [generic-*]
#  enable: [generic-password]
#  # The last entry that matches decides: low, medium, high or critical.
#  severity:
#    jwt*: low
#  # Rules of your own, written like those of remint.
#  extra:
#    - id: acme-token
#      name: Acme deploy token
#      pattern: '\b(acme_[a-z0-9]{32})\b'
#      keywords: [acme_]
#      severity: critical
#      opens: The deploy pipeline.

# What is no finding although a rule matches. Every kind of condition that an
# entry states must hold; of one kind, one is enough.
#allow:
#  - reason: made-up keys of the tests
#    paths: [testdata/, "*_test.go"]
#    rules: [private-key*]
#  - reason: the documentation's sample values
#    values: ['^sample-'] # RE2 expressions, tried on the secret
#    stopwords: [example, changeme] # parts of the secret, in any case
#  - reason: rotated on 2026-01-15
#    fingerprints: [0123456789abcdef0123456789abcdef]

# Where keys are kept, what protects them, and what "remint run" hands over.
#vault:
#  path: vault.db
#hsm:
#  uri: pkcs11:token=production
#  assurance: hsm
#inject:
#  env:
#    STRIPE_KEY: payments/stripe
#  mask: true

# What is never read, in the words of .gitignore.
#paths:
#  exclude:
#    - vendor/
#    - "*.min.js"

# Known findings that are not reported again (JSON; relative to this folder).
#baseline: .remint-baseline.json

# false ignores .gitleaks.toml, .gitleaksignore and gitleaks:allow comments.
#gitleaks: true
`
