# Everything a person runs. `make demo` and `make test` need Go and git alone;
# what else they need they fetch with Go into .tools/.

GO ?= go
TOOLS := $(CURDIR)/.tools
STATICCHECK := $(TOOLS)/staticcheck
GOVULNCHECK := $(TOOLS)/govulncheck
GITLEAKS := $(TOOLS)/gitleaks
GOSEC := $(TOOLS)/gosec
# Of the grammars that come with the parser, those that are used: 20 MB less.
GRAMMARS := grammar_subset $(addprefix grammar_subset_,python javascript typescript tsx java ruby php c_sharp rust)
# The race detector needs cgo and a C compiler; without one the tests run without it.
RACE := $(shell command -v $$($(GO) env CC) >/dev/null 2>&1 && echo -race)

.PHONY: build demo test check unit cross fuzz bench bench-history exact oracle verify-sinks survey test-vault test-tpm compare-gosec golangci vuln generate clean

build: ## the binary, ./remint; PKCS#11 needs a C compiler
	$(GO) build -tags '$(GRAMMARS)' -trimpath -ldflags '-s -w' -o remint ./cmd/remint

demo: build ## scan a small leaky repository, and replace the keys of another
	@sh testdata/demo.sh ./remint

test: check unit cross ## everything that must pass

check: $(STATICCHECK)
	@test -z "$$(gofmt -l analyzers cmd remediate scanner)" || { echo "not gofmt-ed:"; gofmt -l analyzers cmd remediate scanner; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	@cd scanner/rule && $(GO) run ./gen -out $(TOOLS)/catalogue.gen.go && \
	  cmp -s $(TOOLS)/catalogue.gen.go catalogue.gen.go || { echo "catalogue.gen.go is not up to date: run 'make generate'"; exit 1; }
	@$(GO) run ./analyzers/gen -out $(TOOLS)/analyzers.md && \
	  cmp -s $(TOOLS)/analyzers.md docs/analyzers.md || { echo "docs/analyzers.md is not up to date: run 'make generate'"; exit 1; }
	@$(GO) run ./scanner/scope/gen -out $(TOOLS)/scopes.md && \
	  cmp -s $(TOOLS)/scopes.md docs/scopes.md || { echo "docs/scopes.md is not up to date: run 'make generate'"; exit 1; }

# AWS is moto in the tests, which Python has; without it they are skipped.
MOTO := $(TOOLS)/moto/bin

unit:
	@command -v moto_server >/dev/null || [ -x $(MOTO)/moto_server ] || ! command -v python3 >/dev/null || \
	  { python3 -m venv $(TOOLS)/moto && $(MOTO)/pip install -q 'moto[server]'; } || echo "moto could not be installed: the tests of AWS are skipped"
	PATH="$(MOTO):$$PATH" $(GO) test $(RACE) -timeout 30m -shuffle=on ./...

# Each system with cgo off, and both processors; the one at hand with cgo on as well.
cross:
	@for system in linux/arm64 darwin/arm64 windows/amd64; do \
	  echo "build $$system"; CGO_ENABLED=0 GOOS=$${system%/*} GOARCH=$${system#*/} $(GO) build -o /dev/null ./cmd/remint || exit 1; done
	@if command -v $$($(GO) env CC) >/dev/null 2>&1; then echo "build with cgo"; CGO_ENABLED=1 $(GO) build -o /dev/null ./cmd/remint; fi

generate: ## catalogue.gen.go from the rule files, docs/analyzers.md from the analyzers, docs/scopes.md from the formats
	cd scanner/rule && $(GO) generate ./...
	$(GO) run ./analyzers/gen
	$(GO) run ./scanner/scope/gen

vuln: $(GOVULNCHECK) ## known weaknesses in what we depend on
	$(GOVULNCHECK) ./...

FUZZTIME ?= 10m
fuzz: ## every fuzz target for FUZZTIME
	@sh testdata/fuzz.sh $(FUZZTIME)

bench: build $(GITLEAKS) ## speed beside gitleaks, as in docs/benchmarks.md
	$(GO) run ./scanner/bench/run -remint ./remint -gitleaks $(GITLEAKS)

HISTORIES ?= /tmp/remint-histories

bench-history: build $(GITLEAKS) ## speed over a large history, which is made first, beside git and gitleaks
	$(GO) run ./scanner/bench/run -remint ./remint -gitleaks $(GITLEAKS) -histories $(HISTORIES)

exact: ## the findings of real histories by deltas and whole
	$(GO) test -count=1 -timeout 60m -v -run TestRealHistoriesExact ./scanner/bench -args -histories $(HISTORIES)

oracle: ## findings beside gitleaks' own detector, over large trees
	$(GO) test -count=1 -timeout 60m -run TestOracle ./scanner/bench -args -large

verify-sinks: ## the tables of the analyzers against the real libraries
	@cd analyzers/sinks/verify && $(GO) run -mod=mod .

survey: build ## what is said of scopes in other people's code, against judgements; fetches it first (Go modules, npm packages)
	$(GO) run ./scanner/scope/survey -remint ./remint

test-vault: ## the suite of the vault on a real HashiCorp Vault server, which is built first (takes minutes)
	cd remediate/vault/openbao/vaultserver && $(GO) build -o $(TOOLS)/vaultserver .
	REMINT_TEST_VAULT=$(TOOLS)/vaultserver $(GO) test -tags vaultserver -count=1 -v ./remediate/vault/openbao ./remediate/mint/openbao

test-tpm: ## the suite of tokens on an emulated TPM (needs swtpm, tpm2-abrmd, tpm2-pkcs11, opensc)
	@sh testdata/tpm.sh

compare-gosec: build $(GOSEC) ## the analyzers beside gosec, over gosec's own samples
	@cd analyzers/compare && $(GO) run .

golangci: ## golangci-lint with the plugin, over a program with a hardcoded key
	@sh testdata/golangci/try.sh

$(STATICCHECK):
	GOBIN=$(TOOLS) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2

$(GOVULNCHECK):
	GOBIN=$(TOOLS) $(GO) install golang.org/x/vuln/cmd/govulncheck@v1.9.0

$(GITLEAKS):
	GOBIN=$(TOOLS) $(GO) install github.com/zricethezav/gitleaks/v8@v8.30.1

clean:
	rm -rf remint .demo $(TOOLS)

$(GOSEC):
	GOBIN=$(TOOLS) $(GO) install github.com/securego/gosec/v2/cmd/gosec@v2.30.0
