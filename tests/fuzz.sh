#!/usr/bin/env bash
# Runs libFuzzer programs, each for a number of seconds.  tests/fuzz.sh SECONDS WORK_DIR PROGRAM...
#
# What a program learns is kept in WORK_DIR/NAME and is where its next run starts. Seeds: the files in tests/seeds/NAME if there
# are any; fuzz_gguf also starts from the models in tests/golden: the smallest one whole, and the first 8 KiB of each, where the
# structure is. A crash, a leak, a time-out (10 s for one input) or more than 2 GB is a failure; the input that caused it is left
# in WORK_DIR.
set -uo pipefail
seconds=$1
work=$2
shift 2
(($# > 0)) || { echo "fuzz: there is no tests/fuzz_*.c" && exit 1; }

status=0
for program in "$@"; do
    name=$(basename "$program")
    corpus=$work/$name
    log=$work/$name.log
    mkdir -p "$corpus"
    [ ! -d "tests/seeds/$name" ] || cp -n "tests/seeds/$name"/* "$corpus"
    if [ "$name" = fuzz_gguf ]; then
        cp -n "$(ls -Sr tests/golden/*.gguf | head -n 1)" "$corpus"
        for model in tests/golden/*.gguf; do
            head -c 8192 "$model" >"$corpus/head-$(basename "$model")"
        done
    fi
    if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$work/$name-" "$corpus" >"$log" 2>&1; then
        echo "ok   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
    else
        status=1
        echo "FAIL $name, see $log"
        tail -n 60 "$log" | sed 's/^/    | /'
    fi
done
exit $status
