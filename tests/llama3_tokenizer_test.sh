#!/usr/bin/env bash
# Encodes a few thousand generated strings with the real Llama-3 vocabulary and compares with npm's llama3-tokenizer-js.
#
# The package (pinned, kept under build/) brings vocabulary and merges; llama3_tokenizer_ref.mjs writes them as a GGUF file together
# with the strings and the expected ids. Skipped, and said so, where node, npm or the registry is missing.
# Output: TAP. BITJOULE: the program; RUN: what goes before it (qemu). SEED: another set of strings.
set -u
BITJOULE=${BITJOULE:-build/bitjoule}
SEED=${SEED:-20240418}
PACKAGE=llama3-tokenizer-js
VERSION=1.2.0
CACHE=build/npm
tests=(
    "ids of all strings equal those of $PACKAGE $VERSION"
    "decoding the ids of a text gives the text back"
    "invalid UTF-8 and a file of 100,000 spaces go there and back"
)

echo "1..${#tests[@]}"
skip_all() {
    for i in "${!tests[@]}"; do echo "ok $((i + 1)) - ${tests[i]} # SKIP $1"; done
    exit 0
}
failed=0
result() { # NUMBER STATUS: 0 is success
    if [ "$2" = 0 ]; then echo "ok $1 - ${tests[$1 - 1]}"; else
        echo "not ok $1 - ${tests[$1 - 1]}"
        failed=1
    fi
}

command -v node >/dev/null || skip_all "no node"
if [ ! -f "$CACHE/node_modules/$PACKAGE/package.json" ]; then
    command -v npm >/dev/null || skip_all "no npm"
    mkdir -p "$CACHE"
    npm install --prefix "$CACHE" --no-audit --no-fund --ignore-scripts --fetch-retries=1 --fetch-timeout=30000 \
        "$PACKAGE@$VERSION" >"$CACHE/install.log" 2>&1 || skip_all "npm cannot install $PACKAGE (see $CACHE/install.log)"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! count=$(node tests/llama3_tokenizer_ref.mjs "$PWD/$CACHE/node_modules/$PACKAGE" "$work" "$SEED"); then
    echo "Bail out! the reference program failed"
    exit 1
fi
echo "# $count strings, seed $SEED"

${RUN:-} "$BITJOULE" tokenize -m "$work/vocab.gguf" --special --json-lines "$work/strings.jsonl" >"$work/got.txt"
status=$?
[ "$count" -ge 3000 ] || status=1
if ! cmp -s "$work/expected.txt" "$work/got.txt"; then
    status=1
    paste -d '\n' "$work/strings.jsonl" "$work/expected.txt" "$work/got.txt" |
        awk 'NR % 3 == 1 {s = $0} NR % 3 == 2 {e = $0}
             NR % 3 == 0 && $0 != e && n++ < 5 {print "# string " s "\n# expected " e "\n# got " $0}' |
        cut -c1-2000
fi
result 1 $status

round_trip() { # FILE
    ${RUN:-} "$BITJOULE" tokenize -m "$work/vocab.gguf" -f "$1" >"$work/ids.txt" &&
        ${RUN:-} "$BITJOULE" tokenize -m "$work/vocab.gguf" --decode -f "$work/ids.txt" | cmp - "$1"
}
round_trip tests/golden/test.txt
result 2 $?

{
    printf 'ok \xff\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe4\xb8'
    printf '%100000s' ''
    printf '\xf0\x9f\x99'
} >"$work/odd.bin"
round_trip "$work/odd.bin"
result 3 $?
exit $failed
