#!/bin/sh
# Runs every fuzz target, one after the other, each for the time given.
set -eu
time=${1:-10m}
for pkg in $(go list ./scanner/... ./remediate/...); do
  for target in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
    echo "$pkg $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1s "$pkg"
  done
done
