#!/bin/sh
# Makes two small repositories with made-up keys in them: one is scanned, in the
# other each key is replaced. The keys are put together here, so that none
# stands in this file. Everything stays below .demo, the vault too; SoftHSM2,
# Redis and Python take part where they are installed.
set -eu
remint=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
rm -rf .demo
mkdir .demo
cd .demo
demo=$(pwd)

aws_id="AKIA""QYLPMN5HHHFPZAM2"
aws_key="kT3vQ9xZ/""bN1mR7yWcE5uL8pJ2sD4fG6hA0oVqXr+"
stripe="sk_live""_51Nc8QkJr2LpXvTz4Yb7Wm9Ds"
password="Tr0ub4dor""-and-3"
django="k3v9qz1m""r7wce5ul8pj2sd4fg6ha0ovqxr-t!y@u8i2o4p6a1s"
redis_password="q7Rk2""Zt9Wm4Xc6Vb"

# say prints a command and runs it; its exit code must be the first argument.
say() {
	want=$1
	shift
	printf '\n\033[1m$ %s\033[0m\n' "$(printf '%s ' "$@" | sed "s|$remint|remint|g")"
	status=0
	"$@" || status=$?
	[ "$status" -eq "$want" ] || { echo "exit code $status, want $want"; exit 1; }
}

leaky() {
	mkdir -p leaky/app leaky/deploy
	git init -q leaky
	cat > leaky/app/settings.py <<EOF
import os

AWS_ACCESS_KEY_ID = "$aws_id"
AWS_SECRET_ACCESS_KEY = "$aws_key"
STRIPE_API_KEY = os.environ.get("STRIPE_API_KEY", "$stripe")
EOF
	cat > leaky/deploy/docker-compose.yml <<EOF
services:
  app:
    image: acme/app
    environment:
      DATABASE_URL: postgres://app:$password@db:5432/app
EOF
	printf 'apiVersion: v1\nkind: Secret\ndata:\n  password: %s\n' "$(printf '%s' "$password" | base64)" > leaky/deploy/secret.yaml
}

# shop is a repository with a session key, a payment key and a signing key; with
# a queue where there is Redis.
shop() {
	mkdir -p shop/api shop/web
	cd shop
	git init -q .
	printf 'module shop\n\ngo 1.26\n' > go.mod
	cat > api/main.go <<EOF
package main

import "fmt"

const stripeKey = "$stripe"

func main() { fmt.Println("the payment key has", len(stripeKey), "characters") }
EOF
	cat > web/settings.py <<EOF
SECRET_KEY = '$django'
print("the session key has", len(SECRET_KEY), "characters")
EOF
	if [ "$redis" ]; then
		cat > web/queue.yaml <<EOF
# Read with variables expanded.
name: \${QUEUE:-jobs}
redis: redis://worker:$redis_password@127.0.0.1:$port/0
EOF
	fi
	git add -A
	git -c user.name=demo -c user.email=demo@acme.io commit -q -m "The shop as it grew"
}

# start_redis starts a server of our own, whose ACL knows the leaked password.
start_redis() {
	redis=
	command -v redis-server > /dev/null && command -v redis-cli > /dev/null || return 0
	port=16399
	printf 'user default on >%s ~* &* +@all\nuser worker on >%s ~* &* +@all\n' "$password" "$redis_password" > users.acl
	redis-server --port $port --bind 127.0.0.1 --aclfile "$demo/users.acl" --save '' --dir "$demo" > redis.log 2>&1 &
	redis=$!
	trap 'kill $redis 2> /dev/null || true' EXIT
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		if REDISCLI_AUTH=$password redis-cli -p $port ping 2> /dev/null | grep -q PONG; then return 0; fi
		sleep 0.1
	done
	kill $redis 2> /dev/null || true
	redis=
}

leaky
say 1 "$remint" scan leaky

export REMINT_HOME="$demo/home" GOFLAGS=-mod=mod
mkdir tokens
echo "directories.tokendir = $demo/tokens" > softhsm2.conf
export SOFTHSM2_CONF="$demo/softhsm2.conf"
start_redis
shop

say 1 "$remint" scan
say 0 "$remint" vault init
if [ "$redis" ]; then
	printf 'redis://default:%s@127.0.0.1:%s/0' "$password" $port | "$remint" vault put infra/redis
	printf 'version: 1\nproviders:\n  redis: {admin: infra/redis}\n' > .remint.yaml
fi
say 1 "$remint" fix
say 0 "$remint" fix --apply < /dev/null
say 0 "$remint" run -- go run ./api
if command -v python3 > /dev/null; then
	say 0 "$remint" run -- python3 web/settings.py
	say 0 "$remint" rotate shop/secret-key
	say 0 "$remint" run --mask -- python3 web/settings.py
fi
echo
echo "The payment key needs a person: here is the new one, on standard input."
printf 'sk_live''_51NewKeyOfTheDemo0000000\n' | say 0 "$remint" fix --resume
if [ "$redis" ]; then say 0 "$remint" revoke shop/redis; fi
say 0 "$remint" status
say 0 "$remint" scan
echo
echo "The code is clean. Look around in .demo/shop (REMINT_HOME=$demo/home)."
