#!/bin/bash
# `bench --scenario` and `--watch` as a user calls them: record, verdicts, a model that does not fit, bad input. Prints TAP.
set -u
export BITJOULE_CONFIGS=$PWD/configs
model=tests/golden/kjv-tiny-i2_s.gguf
. tests/cli_lib.sh

run() { capture bj bench "$@"; }
# field RUN NAME: the first value of that field
field() { sed -n "s/^ *\"$2\": \\(.*[^,]\\),*\$/\\1/p" "$dir/$1/results.json" | head -n 1; }
count() { grep -cF -- "$2" "$dir/$1/results.json"; }
hashes() { sed -n 's/^ *"output_sha256": "\(.*\)",*$/\1/p' "$dir/$1/results.json" | sort -u | wc -l; }

# A test of the report of RUN, which an emulated program cannot start by itself
reports() { # NAME RUN PATTERN
    if [ ${#RUN_CMD[@]} -eq 0 ]; then
        bj report "$dir/$2/results.json" -o "$dir/$2" >/dev/null 2>&1
        ok "$1" grep -q "$3" "$dir/$2/report.md"
    else
        skip "$1" "an emulated process cannot start gnuplot for the report"
    fi
}

# profile NAME THREADS MEMORY_MB PRIORITY [MORE LINES OF scenario]; an emulator and sanitizers take memory of their own
profile() {
    cat >"$dir/$1.ini" <<EOF
[matrix]
models = $model
formats = i2_s
[measure]
watch_hz = 10
timeout_s = 100
[scenario]
threads = $2
memory_mb = $3
priority = $4
request = pp6+tg3
requests = 6
sequences = 3
trials = 2
$5
[limits]
tokens_per_s = 0.001
memory_mb = 1
latency_ms = 1000000
EOF
}

# ---- all loads, on one core --------------------------------------------------------------------------------
profile small 1 8000 latency 'loads = single-stream, offline, server
target_ttft_ms = 100000
target_tpot_ms = 100000'
run --scenario "$dir/small.ini" -o "$dir/small" --no-report
ok "small: exit status 0" is "$rc" 0
ok "small: it fits" is "$(field small fits)" true
ok "small: three loads, no failed request" is "$(count small '"failed": 0')" 3
ok "small: the same answers in every load" is "$(hashes small)" 1
ok "small: a rate was found" calc "$(field small server_rate) > 0"
ok "small: two rates were tried" is "$(count small '"why": "p99 TTFT')" 3 # and once more at the load that met the targets
ok "small: p99 is not proven by 6 requests" is "$(field small proven)" false
ok "small: the headline is the latency" eval "grep -A1 '\"name\": \"p95_latency_s\"' '$dir/small/results.json' | grep -q '\"value\": [0-9]'"
ok "small: 1 MB is an alert, on stdout too" has 'alert: memory: ' out
ok "small: no alert of tokens or latency" eval "! grep -q 'alert: tokens\|alert: latency' '$dir/out'"
ok "small: the verdict is on stdout" has 'small: kjv-tiny-i2_s i2_s: fits; ' out
ok "small: the verdict has the rate" has ' requests/s within the targets (not proven)' out
ok "small: memory was watched" calc "$(field small rss_peak_bytes) > 1000000"
ok "small: joules or why not" eval "grep -q '\"joules_per_token\": [0-9]' '$dir/small/results.json' || grep -q '\"joules_reason\": \"..*\"' '$dir/small/results.json'"
reports "small: the report has the section" small '^## Scenarios'

# ---- priorities, and more cores than there are --------------------------------------------------------------
profile large 512 8000 scalability 'loads = offline'
run --scenario "$dir/large.ini" -o "$dir/large" --no-report
ok "large: exit status 0" is "$rc" 0
ok "large: says that it is not that machine" eval "[ \"$(field large representative)\" = false ] && has 'note: the profile has 512 cores, this machine gives' out"
if [ "$(nproc)" -gt 1 ]; then
    ok "large: the verdict has the parallel efficiency" grep -q ', parallel efficiency [0-9.]* on [0-9]* threads, with fewer cores than the profile;' "$dir/out"
else
    skip "large: the verdict has the parallel efficiency" "one core is no scaling"
fi
ok "large: scaling begins with one thread" eval "grep -A8 '\"scaling\": \[' '$dir/large/results.json' | grep -q '\"speedup\": 1.0'"

# ---- memory ------------------------------------------------------------------------------------------------
profile none 1 20 throughput 'loads = offline'
run --scenario "$dir/none.ini" -o "$dir/none" --no-report
ok "does not fit: exit status 0, no run" eval "[ $rc = 0 ] && [ \"$(field none fits)\" = false ] && has 'does not fit: needs ' out"
run --scenario "$dir/none.ini" --dry-run
ok "does not fit: --dry-run says so" has 'MB: does not fit' out
reports "does not fit: report" none 'MB, the profile has 20 MB'

# ---- a watch over cells ------------------------------------------------------------------------------------
run -m $model -f i2_s -t 1 -p 0 -n 64 -r 2 --block 0.2 --watch=10 -o "$dir/watch" --no-report
ok "watch: exit status 0" is "$rc" 0
ok "watch: series and their cost" eval "[ $(count watch '"cpu_host_pct"') = 2 ] && calc \"$(field watch share_of_a_cpu) >= 0 && $(field watch samples_taken) >= 1\""
ok "watch: what it cannot have has a reason" eval "! grep -q '\"freq_mhz\": null' '$dir/watch/results.json' || grep -q '\"freq_mhz\": \"..*\"' '$dir/watch/results.json'"
run -m $model -f i2_s -t 1 -p 0 -n 2 -r 1 --block 0.001 -o "$dir/plain" --no-report
ok "no watch: not in the record" is "$(count plain '"watch"')" 0

# ---- what ships, and bad input -----------------------------------------------------------------------------
for name in mobile edge server cloud; do
    run --scenario $name --dry-run
    ok "configs/scenarios/$name.ini is a scenario" eval "[ $rc = 0 ] && has '125m i2_s: needs ' out"
done
if [ ${#RUN_CMD[@]} -eq 0 ]; then
    run --scenario mobile -m $model -f i2_s -o "$dir/mobile" --no-report
    ok "mobile, as it ships: exit status 0" is "$rc" 0
    ok "mobile, as it ships: the verdict" eval "has 'mobile: kjv-tiny-i2_s i2_s: fits; ' out && has 'of the service crossed' out"
    ok "mobile, as it ships: 48 requests in every load, none failed" \
        eval "is \$(count mobile '\"requests\": 48,') 3 && is \$(count mobile '\"failed\": 0') 3"
    ok "mobile, as it ships: the rate, of six that were tried" \
        eval "calc \"$(field mobile server_rate) > 0\" && is \$(count mobile '\"why\": \"p99 TTFT') 7"
    ok "mobile, as it ships: the headline is the latency" eval "grep -A1 '\"name\": \"p95_latency_s\"' '$dir/mobile/results.json' | grep -q '\"value\": [0-9]'"
    ok "mobile, as it ships: less than the least tokens/s, or the most memory, is no alert here" eval "! grep -q 'alert: tokens\|alert: memory' '$dir/out'"
else
    skip "mobile, as it ships" "six times 48 requests take too long under an emulator"
fi
refused() { [ "$rc" = 2 ] && one_line && has "$1" err; }
run --scenario mobile --against "$BITJOULE"
ok "--against in a scenario" refused "--against does not go with a scenario"
run --scenario mobile -c tiny
ok "-c beside --scenario" refused "-c does not go with --scenario"
run --scenario nowhere
ok "unknown scenario: names those there are" refused '--scenario nowhere: no such scenario; there are: cloud, edge, mobile, server'
run --scenario configs/suites/tiny.ini
ok "a suite is no scenario" refused 'no [scenario] in it'
run --watch=11 -c tiny
ok "--watch=11" refused "--watch: '11' is not a number above 0, at most 10"
sed 's/^priority = .*/priority = speed/' "$dir/small.ini" >"$dir/bad.ini"
run --scenario "$dir/bad.ini"
ok "unknown priority: file and line" refused "bad.ini:10: priority: 'speed' is not one of these: latency, efficiency, throughput, scalability"
sed '/^memory_mb = 8000/d' "$dir/small.ini" >"$dir/bad.ini"
run --scenario "$dir/bad.ini"
ok "half a scenario" refused '[scenario] needs threads, memory_mb, priority and loads together'
echo "1..$n"
