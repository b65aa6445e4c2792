#!/usr/bin/env bash
# `bitjoule tokenize` as a user calls it: ids, the way back, many texts at once, and bad input: status 2 and one line.
set -u
model=tests/golden/kjv-tiny-i2_s.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
failed=0

check() { # WHAT EXPECTED GOT
    n=$((n + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '# expected: %s\n# got:      %s\n' "$2" "$3"
        failed=1
    fi
}

tokenize() {
    ${RUN:-} "${BITJOULE:-build/bitjoule}" tokenize "$@" </dev/null
}

refused() { # WHAT MESSAGE ARGUMENT...: status 2, nothing on stdout, one line with MESSAGE on stderr
    local what=$1 message=$2 status
    shift 2
    tokenize "$@" >"$work/out" 2>"$work/err"
    status=$?
    grep -qF -e "$message" "$work/err" || status="$status without '$message': $(cat "$work/err")"
    check "$what" "2, 0 bytes, 1 line" "$status, $(wc -c <"$work/out") bytes, $(wc -l <"$work/err") line"
}

echo 1..19
check "text" "[42, 77]" "$(tokenize -m $model -p Kn)"
check "the empty text" "[]" "$(tokenize -m $model -p '')"
check "standard input, empty here" "[]" "$(tokenize -m $model)"
check "--bos" "[2006, 64]" "$(tokenize -m $model --bos -p a)"
check "control tokens are text" "" "$(tokenize -m $model -p 'a<|eot_id|>' | grep 2008)"
check "control tokens with --special" "[64, 2008]" "$(tokenize -m $model --special -p 'a<|eot_id|>')"
check "--decode IDS" "a" "$(tokenize -m $model --decode 64,2008)"
check "--decode --special, ids from -p" "a<|eot_id|>" "$(tokenize -m $model --decode --special -p ' [64, 2008] ')"
tokenize -m $model -f tests/golden/test.txt >"$work/ids"
tokenize -m $model --decode -f "$work/ids" | cmp - tests/golden/test.txt
check "a whole file there and back" "0 0" "${PIPESTATUS[*]}"
printf '"a"\n"\\u00e9\\u0000"\n""\n' >"$work/lines"
check "--json-lines" "[64] [127, 102, 188] []" "$(tokenize -m $model --json-lines "$work/lines" | tr '\n' ' ' | sed 's/ $//')"
refused "no model" "-m MODEL.gguf is missing" -p a
refused "no such model" "$work/none.gguf" -m "$work/none.gguf" -p a
refused "a file that is no model" "tests/golden/test.txt" -m tests/golden/test.txt -p a
refused "a model without a vocabulary" "synth:2b4t" -m synth:2b4t -p a
refused "no such text" "$work/none.txt" -m $model -f "$work/none.txt"
refused "an id outside the vocabulary" "number 2 is not an id of this vocabulary (0 to 2047)" -m $model --decode 64,2048
refused "ids that are none" "--decode" -m $model --decode 64,x
printf 'x\n' >"$work/lines"
refused "a line that is no JSON string" "$work/lines:1" -m $model --json-lines "$work/lines"
refused "two texts" "only one of" -m $model -p a -f "$work/lines"
exit $failed
