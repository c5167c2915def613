#!/bin/sh
# Makes a small repository with made-up keys in it and scans it. The keys are
# put together here, so that none stands in this file.
set -eu
remint=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
dir=.demo
rm -rf "$dir"
mkdir -p "$dir/app" "$dir/deploy"
cd "$dir"
git init -q .

aws_id="AKIA""QYLPMN5HHHFPZAM2"
aws_key="kT3vQ9xZ/""bN1mR7yWcE5uL8pJ2sD4fG6hA0oVqXr+"
stripe="sk_live""_51Nc8QkJr2LpXvTz4Yb7Wm9Ds"
password="Tr0ub4dor""-and-3"

cat > app/settings.py <<EOF
import os

AWS_ACCESS_KEY_ID = "$aws_id"
AWS_SECRET_ACCESS_KEY = "$aws_key"
STRIPE_API_KEY = os.environ.get("STRIPE_API_KEY", "$stripe")
EOF
cat > deploy/docker-compose.yml <<EOF
services:
  app:
    image: acme/app
    environment:
      DATABASE_URL: postgres://app:$password@db:5432/app
EOF
printf 'apiVersion: v1\nkind: Secret\ndata:\n  password: %s\n' "$(printf '%s' "$password" | base64)" > deploy/secret.yaml
cat > app/main.go <<'EOF'
package main

import "os"

var token = os.Getenv("TOKEN") // as it should be

func main() { _ = token }
EOF

echo "\$ remint scan .demo"
echo
status=0
cd ..
"$remint" scan "$dir" || status=$?
echo
echo "Exit code $status: 0 is clean, 1 means findings, 2 that something was not looked at."
[ "$status" -eq 1 ]
