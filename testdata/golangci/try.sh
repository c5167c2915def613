#!/bin/sh
# Builds golangci-lint with remint's plugin and runs it over a program with one
# hardcoded key: what `golangci-lint custom` does, from the module proxy alone.
set -eu
cd "$(dirname "$0")"
here=$(pwd)
repo=$(cd ../.. && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
version=$(sed -n 's/^version: //p' .custom-gcl.yml)
cd "$dir"
go mod init example.com/custom-gcl >/dev/null 2>&1
go mod edit -replace "github.com/remint/remint=$repo"
go get "github.com/golangci/golangci-lint/v2@$version" github.com/remint/remint@v0.0.0 2>/dev/null
cp "$(go list -m -f '{{.Dir}}' github.com/golangci/golangci-lint/v2)"/cmd/golangci-lint/*.go .
rm -f ./*_test.go
printf 'package main\n\nimport _ "github.com/remint/remint/analyzers/golangci"\n' >plugins.go
go mod tidy >/dev/null 2>&1
go build -o custom-gcl .
mkdir app && cd app
cp "$here/.golangci.yml" .
go mod init example.com/app >/dev/null 2>&1
printf 'package app\n\nimport "net/smtp"\n\nvar _ = smtp.PlainAuth("", "me", "hunter2x", "mail")\n' >app.go
if ../custom-gcl run ./... >out 2>&1; then
	cat out
	echo "golangci-lint found nothing"
	exit 1
fi
cat out
grep -q 'hardcoded password .* reaches net/smtp.PlainAuth' out
