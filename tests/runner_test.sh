#!/usr/bin/env bash
# The runner's own test: small programs that pass, fail, skip, crash, hang and lie, and what tests/run.sh makes of each.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

# NAME EXIT-STATUS LAST-LINE TEXT: the script on standard input is run by the runner; its output must hold TEXT
expect() {
    local name=$1 want_status=$2 want_last=$3 want_text=$4 out status problem=
    cat >"$dir/$name.sh"
    out=$(TEST_TIMEOUT=${limit:-20} RUN='' bash tests/run.sh "$dir/logs" "$dir/$name.sh" 2>&1)
    status=$?
    [ "$status" = "$want_status" ] || problem="exit status $status, not $want_status"
    [ "$(tail -n 1 <<<"$out")" = "$want_last" ] || problem="last line '$(tail -n 1 <<<"$out")', not '$want_last'"
    [[ "$out" == *"$want_text"* ]] || problem="nowhere '$want_text'"
    n=$((n + 1))
    if [ -z "$problem" ]; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name: $problem"
        sed 's/^/# /' <<<"$out"
    fi
}

echo 1..18
expect all_pass 0 "2 passed, 0 failed, 0 skipped" "ok   all_pass" <<<'printf "1..2\nok 1 - a\nok 2 - b\n"'
expect plan_last 0 "2 passed, 0 failed, 0 skipped" "ok   plan_last" <<<'printf "ok 1 - a\nok 2 - b\n1..2\n"'
expect two_groups 0 "3 passed, 0 failed, 0 skipped" "" <<<'printf "1..2\nok 1 - a\nok 2 - b\n# ok - tests\n1..1\nok 1 - c\n"'
expect one_fails 1 "1 passed, 1 failed, 0 skipped" "| # 1 != 2" <<<'printf "1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n"; exit 1'
expect skip_of_cmocka 0 "1 passed, 0 failed, 1 skipped" "skip_of_cmocka: b: no AVX2 here" \
    <<<'printf "1..2\nok 1 - a\nno AVX2 here\nnot ok 2 # SKIP b\n"'
expect skip_with_text 0 "1 passed, 0 failed, 1 skipped" "skip_with_text: b: gnuplot" <<<'printf "1..2\nok 1 - a\nok 2 - b # SKIP gnuplot\n"'
expect skip_no_reason 1 "1 passed, 1 failed, 0 skipped" "without a reason" <<<'printf "1..2\nok 1 - a\nnot ok 2 # SKIP b\n"'
expect reason_is_not_inherited 1 "0 passed, 1 failed, 1 skipped" "without a reason" \
    <<<'printf "1..2\nwhy\nnot ok 1 # SKIP a\nnot ok 2 # SKIP b\n"'
expect only_skips 1 "0 passed, 0 failed, 1 skipped" "no test was executed" <<<'printf "1..1\nok 1 - a # SKIP because\n"'
expect short_of_plan 1 "2 passed, 1 failed, 0 skipped" "planned 3 tests, saw 2" <<<'printf "1..3\nok 1 - a\nok 2 - b\n"'
expect more_than_planned 1 "2 passed, 1 failed, 0 skipped" "planned 1 tests, saw 2" <<<'printf "1..1\nok 1 - a\nok 2 - b\n"'
expect no_output 1 "0 passed, 1 failed, 0 skipped" "printed no plan" <<<'exit 0'
expect crash 1 "1 passed, 1 failed, 0 skipped" "died of signal 11" <<<'printf "1..1\nok 1 - a\n"; kill -SEGV $$'
expect bad_exit 1 "1 passed, 1 failed, 0 skipped" "exit status 3" <<<'printf "1..1\nok 1 - a\n"; exit 3'
expect bail 1 "1 passed, 1 failed, 0 skipped" "Bail out! no disk" <<<'printf "1..1\nok 1 - a\nBail out! no disk\n"'
limit=1 expect hang 1 "1 passed, 1 failed, 0 skipped" "timed out" <<<'printf "1..1\nok 1 - a\n"; sleep 30'
expect swallowed_exit 1 "0 passed, 1 failed, 0 skipped" "exit status 0 although" <<<'printf "1..1\nnot ok 1 - a\n"'

# side by side: as long as the longer one takes, and both count
printf 'sleep 0.8; printf "1..2\\nok 1 - a\\nnot ok 2 - b\\n"; exit 1' >"$dir/left.sh"
printf 'sleep 0.8; printf "1..1\\nok 1 - a # SKIP because\\n"' >"$dir/right.sh"
start=$EPOCHREALTIME
out=$(TEST_JOBS=2 RUN='' bash tests/run.sh "$dir/logs" "$dir/left.sh" "$dir/right.sh" 2>&1)
status=$?
elapsed_ms=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000))
if [ $status = 1 ] && [ "$(tail -n 1 <<<"$out")" = "1 passed, 1 failed, 1 skipped" ] && [[ "$out" == *"right: a: because"* ]] &&
    [ $elapsed_ms -lt 1600 ]; then
    echo "ok 18 - side by side"
else
    echo "not ok 18 - side by side: exit status $status, $elapsed_ms ms"
    sed 's/^/# /' <<<"$out"
fi
