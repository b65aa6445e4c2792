#!/usr/bin/env bash
# `bitjoule compare` and `bitjoule gate` as a user calls them: exit statuses, refusals, outputs. The records are made here.
# $RUN is unquoted on purpose
# shellcheck disable=SC2086
set -u
BITJOULE=${BITJOULE:-build/bitjoule}
RUN=${RUN:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
echo "1..20"

# record FILE SECONDS [CPU]: a record of one decode cell with ten repetitions around SECONDS
record() {
    awk -v s="$2" -v cpu="${3:-Synthetic CPU}" 'BEGIN {
        printf "{\"schema\": 1, \"tool\": {\"version\": \"0.1.0\", \"commit\": \"abc\"}, \"run\": {\"seed\": 1},"
        printf "\"host\": {\"arch\": \"x86_64\", \"cpu_model\": \"%s\", \"kernel\": \"Linux 6.1\"}, \"warnings\": [], \"build\": {},", cpu
        printf "\"inputs\": [], \"cells\": [{\"id\": \"125m/i2_s/q6_k/t1/tg32/d0/b1\", \"test\": \"tg32\", \"status\": \"ok\", \"reason\": null,"
        printf "\"work\": {\"tokens\": 32, \"bytes\": 3200}, \"output_sha256\": \"ab\", \"repetitions\": 10, \"metrics\": [], \"samples_s\": ["
        for (i = 0; i < 10; i++)
            printf "%s%.6f", (i ? ", " : ""), s * (1 + 0.002 * ((i * 7) % 10 - 4.5))
        print "]}]}"
    }' >"$1"
}

# check NAME STATUS TEXT COMMAND...: exit status and a text in stdout or stderr
check() {
    local name=$1 want=$2 text=$3 got
    shift 3
    "$@" >"$dir/out" 2>&1
    got=$?
    n=$((n + 1))
    if [ "$got" = "$want" ] && grep -qF -- "$text" "$dir/out"; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name: exit status $got, not $want, or no '$text'"
        sed 's/^/# /' "$dir/out"
    fi
}
b() { $RUN "$BITJOULE" "$@"; }

record "$dir/base.json" 0.200
record "$dir/same.json" 0.2001
record "$dir/slow.json" 0.220
record "$dir/other.json" 0.200 "Another CPU"
mkdir "$dir/run" && cp "$dir/slow.json" "$dir/run/results.json"

check "compare shows the change" 0 "-9.09 %" b compare "$dir/base.json" "$dir/slow.json"
check "compare takes the folder of a run" 0 "-9.09 %" b compare "$dir/base.json" "$dir/run"
check "~ where nothing is shown" 0 "  ~  no difference shown" b compare "$dir/base.json" "$dir/same.json"
check "Markdown" 0 "| 125m/i2_s/q6_k/t1/tg32/d0/b1 |" b compare "$dir/base.json" "$dir/slow.json" -o markdown
check "JSON" 0 '"p_holm": ' b compare "$dir/base.json" "$dir/slow.json" -o json
check "unlike machines are refused" 2 "cpu_model is 'Synthetic CPU' and 'Another CPU'" b compare "$dir/base.json" "$dir/other.json"
check "unless that is allowed" 0 "different and allowed: cpu_model" b compare "$dir/base.json" "$dir/other.json" --allow-different cpu_model
check "an unknown key" 2 "no such key; there are: arch" b compare "$dir/base.json" "$dir/other.json" --allow-different cpu
check "a file that is no record" 2 "not valid JSON" b compare "$dir/base.json" tests/shapes/tiny-llama.ini
check "one record without arms" 2 "has no two arms" b compare "$dir/base.json"
check "gate: pass" 0 "gate: pass" b gate --baseline "$dir/base.json" "$dir/same.json"
check "gate: regress, and every output" 1 "gate: regress" b gate --baseline "$dir/base.json" "$dir/slow.json" --markdown "$dir/pr.md" \
    --junit "$dir/junit.xml" --json "$dir/gate.json" --annotations "$dir/notes" --benchmark-action "$dir/bench.json"
check "the outputs are there" 0 "gate.json:" grep -c "125m/i2_s" "$dir/pr.md" "$dir/junit.xml" "$dir/notes" "$dir/bench.json" "$dir/gate.json"
check "gate refuses unlike machines" 2 "cpu_model" b gate --baseline "$dir/base.json" "$dir/other.json"
check "a gate that is not there" 2 "no such gate" b gate -c nonsense --baseline "$dir/base.json" "$dir/same.json"
check "an output that cannot be written" 1 "No such file" b gate --baseline "$dir/base.json" "$dir/same.json" --json "$dir/no/file"
check "gate without a baseline" 2 "--baseline BASE and one NEW record, or" b gate "$dir/base.json"

# Two programs in one job: a short run of the trained model, wide tolerances, since other tests share the cores
cat >"$dir/suite.ini" <<'INI'
[matrix]
models = tests/golden/kjv-tiny-f16.gguf
formats = i2_s
threads = 1
gen = 8
[measure]
block_s = 0.02
rounds = 6
INI
cat >"$dir/gate.ini" <<INI
[gate]
inconclusive = warn
[ab]
suite = $dir/suite.ini
[metric tokens_per_s]
tolerance = 900%
[metric bytes_per_token]
tolerance = 0%
[metric binary_bytes]
tolerance = 0%
INI
check "gate --ab without a program" 2 "--ab '$dir/none': No such file" b gate -c "$dir/gate.ini" --ab "$dir/none" "$BITJOULE"
if [ -n "$RUN" ]; then
    n=$((n + 1))
    echo "ok $n - gate --ab of a program with itself # SKIP an emulated program cannot start another"
else
    # pass; or inconclusive (a warning here) where the build has sanitizers or the machine no quiet
    check "gate --ab of a program with itself" 0 ": 0 regress, 0 improve, " b gate -c "$dir/gate.ini" --ab "$BITJOULE" "$BITJOULE" -o "$dir/ab"
fi
check "gate --ab without anything to run" 2 "--ab needs a gate file (-c) with 'suite' in [ab]" b gate --ab "$BITJOULE" "$BITJOULE"
