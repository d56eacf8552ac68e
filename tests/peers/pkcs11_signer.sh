#!/bin/sh
# A signer command for an ECDSA key in a PKCS#11 token, as `git docket help keys` describes them.
# PKCS11_MODULE is the token's library, PKCS11_TOKEN its label, PKCS11_KEY the key's id (two hexadecimal digits),
# PKCS11_PIN the user's PIN.
set -eu
request=$(cat)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $(printf %s "$request" | jq -r .request) in
public-key)
  p11tool --provider "$PKCS11_MODULE" --export "pkcs11:token=$PKCS11_TOKEN;id=%$PKCS11_KEY;type=public" \
    >"$work/key"
  jq -Rs '{publicKey: .}' "$work/key"
  ;;
sign)
  printf %s "$request" | jq -r .digest.value | base64 -d >"$work/digest"
  pkcs11-tool --module "$PKCS11_MODULE" --token-label "$PKCS11_TOKEN" --id "$PKCS11_KEY" \
    --login --pin env:PKCS11_PIN --sign --mechanism ECDSA --signature-format rs \
    --input-file "$work/digest" --output-file "$work/signature" >&2
  base64 -w0 <"$work/signature" | jq -Rs '{signature: .}'
  ;;
*) echo "a request that is not known here" >&2; exit 1 ;;
esac
