module github.com/remint/remint/analyzers/compare

go 1.26.0

require (
	github.com/BurntSushi/toml v1.6.0
	github.com/securego/gosec/v2 v2.30.0
	go.yaml.in/yaml/v3 v3.0.6
)

require (
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
)
