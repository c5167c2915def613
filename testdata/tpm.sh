#!/bin/sh
# Runs the suite of tokens on an emulated TPM: swtpm, tpm2-abrmd (its resource
# manager, on a D-Bus of its own) and tpm2-pkcs11, which Debian packages.
set -eu
if [ "${1:-}" != inside ]; then
	exec dbus-run-session -- sh "$0" inside
fi
module=$(ls /usr/lib/*/pkcs11/libtpm2_pkcs11.so /usr/lib/pkcs11/libtpm2_pkcs11.so 2>/dev/null | head -n 1)
dir=$(mktemp -d)
port=$((20000 + $$ % 20000))
swtpm socket --tpm2 --tpmstate "dir=$dir" --ctrl "type=tcp,port=$((port + 1))" --server "type=tcp,port=$port" \
	--flags not-need-init,startup-clear --pid "file=$dir/pid" -d
trap 'kill "$(cat "$dir/pid")" $manager 2>/dev/null; rm -rf "$dir"' EXIT
sleep 1
tpm2-abrmd --allow-root --session "--tcti=swtpm:port=$port" >/dev/null 2>&1 &
manager=$!
sleep 2
mkdir "$dir/store"
export TPM2_PKCS11_STORE="$dir/store" TPM2_PKCS11_TCTI=tabrmd:bus_type=session TSS2_LOG=all+NONE TPM2_PKCS11_LOG_LEVEL=0
pkcs11-tool --module "$module" --slot-index 0 --init-token --label remint --so-pin 12345678
pkcs11-tool --module "$module" --token-label remint --init-pin --so-pin 12345678 --pin 123456
export REMINT_PIN=123456 REMINT_TEST_TPM="pkcs11:token=remint?module-path=$module"
cd "$(dirname "$0")/.."
go test -tags tpm -count=1 -v -run TestTPM -bench TPM ./remediate/hsm
