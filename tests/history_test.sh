#!/usr/bin/env bash
# `bitjoule history` and `bitjoule merge` as a user calls them, on records that are made here.
# $RUN is unquoted on purpose
# shellcheck disable=SC2086
set -u
BITJOULE=${BITJOULE:-build/bitjoule}
RUN=${RUN:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
echo "1..16"

# record FILE NUMBER SECONDS [CPU [CELL]]: the run of day NUMBER with six repetitions around SECONDS
record() {
    mkdir -p "$(dirname "$1")"
    awk -v k="$2" -v s="$3" -v cpu="${4:-Synthetic CPU}" -v cell="${5:-tg32}" 'BEGIN {
        printf "{\"schema\": 1, \"tool\": {\"version\": \"0.1.0\", \"commit\": \"c%d\", \"dirty\": false},", k
        printf "\"run\": {\"id\": \"a%02d\", \"seed\": 1, \"started_utc\": \"2026-01-%02dT00:00:00Z\", \"ended_utc\": \"2026-01-%02dT01:00:00Z\", \"duration_s\": 60},", k, k, k
        printf "\"host\": {\"arch\": \"x86_64\", \"cpu_model\": \"%s\", \"kernel\": \"Linux 6.1\"}, \"warnings\": [{\"severity\": \"info\", \"check\": \"x\", \"message\": \"y\"}], \"build\": {},", cpu
        printf "\"inputs\": [], \"cells\": [{\"id\": \"125m/i2_s/q6_k/t1/%s/d0/b1\", \"model\": \"125m\", \"format\": \"i2_s\", \"test\": \"tg32\", \"threads\": 1,", cell
        printf "\"status\": \"ok\", \"reason\": null, \"work\": {\"tokens\": 32, \"bytes\": 3200}, \"metrics\": [], \"samples_s\": ["
        for (i = 0; i < 6; i++)
            printf "%s%.6f", (i ? ", " : ""), s * (1 + 0.001 * ((i * 5 + k) % 6 - 2.5))
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
h() { b history --db "$dir/h.sqlite" "$@"; }

for k in 1 2 3 4 5 6 7 8; do record "$dir/run$k/results.json" "$k" "0.20$((k % 3))"; done
for k in 9 10 11 12 13 14 15 16; do record "$dir/run$k/results.json" "$k" "0.22$((k % 3))"; done
check "add" 0 "run1: added" h add "$dir/run1"
check "add it again" 0 "run1: is there already" h add "$dir/run1"
h add "$dir"/run[2-8] >/dev/null
check "no step in eight runs" 0 "2026-01-08" h show --check
check "add the rest" 0 "run16: added" h add "$dir"/run9 "$dir"/run1[0-6]
check "list" 0 "c16" h list
check "the step is found where it is" 0 "c9  145.45" h show
check "and it is for the worse" 1 "1 steps for the worse" h show --check
check "JSON has it" 0 '"accepted": null' h show --json
check "a mark accepts it" 0 "a09: accepted" h mark a09 "the new kernel is exact"
check "then there is none" 0 "accepted: the new kernel is exact" h show --check
check "a run that is not there" 2 "0 runs have an id that begins with 'zz'" h mark zz x
check "no record" 2 "give the folder of a finished run" h add "$dir/none"
record "$dir/shard/results.json" 20 0.2 "Synthetic CPU" pp128
check "merge of shards of one machine" 0 "2 records of 1 machine" b merge "$dir/run1" "$dir/shard" -o "$dir/m1"
check "two runs of the same cell are no shards" 2 "has a cell that another record" b merge "$dir/run1" "$dir/run2" -o "$dir/m2"
record "$dir/other/results.json" 21 0.1 "Another CPU"
check "merge of two machines" 0 "2 records of 2 machines" b merge "$dir/run1" "$dir/other" -o "$dir/m3"
check "the report puts them side by side" 0 "125m@other" bash -c "$RUN $BITJOULE report $dir/m3 -o $dir/m3 >/dev/null 2>&1; cat $dir/m3/report.md"
