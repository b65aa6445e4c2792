#!/usr/bin/env bash
# Runs test programs and adds up their results.  tests/run.sh LOG_DIR PROGRAM...
#
# A program is a cmocka binary or a shell script (*.sh); both print TAP, which tests/tap.awk judges. TEST_JOBS of them
# run side by side: one (the default) where they time something, more where the CPU is emulated or the code instrumented. Each has a
# time limit of TEST_TIMEOUT seconds and standard input closed. The output of a program with a failure is shown; skips are listed with
# their reasons. A crash, a time-out, a missing or wrong plan and a skip without a reason count as failures. The last line is
# "N passed, N failed, N skipped"; the exit status is 0 when something passed and nothing failed.
#
# The tests see BITJOULE (the program under test) and RUN (what to put before it, e.g. qemu-aarch64; may be empty).
set -uo pipefail
here=$(dirname "$0")
logs=$1
shift
: "${TEST_TIMEOUT:=120}" "${TEST_JOBS:=1}" "${RUN:=}" "${BITJOULE:=}"
export RUN BITJOULE CMOCKA_MESSAGE_OUTPUT=TAP
unset CMOCKA_XML_FILE CMOCKA_TEST_FILTER
mkdir -p "$logs" || exit 2

run_one() { # PROGRAM LOG: its exit status
    local prefix=()
    if [[ "$1" == *.sh ]]; then
        prefix=(bash)
    elif [ -n "$RUN" ]; then
        read -r -a prefix <<<"$RUN"
    fi
    timeout -k 10 "$TEST_TIMEOUT" "${prefix[@]}" "$1" >"$2" 2>&1 </dev/null
}

show() { # LOG: the failing output, its end if it is very long
    local lines
    lines=$(wc -l <"$1")
    ((lines <= 400)) || echo "    | ... $((lines - 400)) lines before these are in $1"
    tail -n 400 "$1" | sed 's/^/    | /'
}

judge() { # PROGRAM: runs it, prints what it did in one write, and leaves its counts and skips beside its log
    local program=$1 name log start status elapsed kind rest p=0 f=1 s=0 faults=() skips=()
    name=$(basename "$program" .sh)
    log=$logs/$name.log
    start=$EPOCHREALTIME
    run_one "$program" "$log"
    status=$?
    elapsed=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 100000))
    while read -r kind rest; do
        case $kind in
        count) read -r p f s <<<"$rest" ;;
        skip) skips+=("$rest") ;;
        *) faults+=("$rest") ;;
        esac
    done < <(awk -v name="$name" -v status="$status" -f "$here/tap.awk" "$log")
    printf '%s\n' "${skips[@]}" | sed '/^$/d' >"$log.skips"
    echo "$p $f $s" >"$log.counts"
    printf '%s\n' "$(
        printf '%-4s %-28s %4d passed %3d failed %3d skipped %6s s\n' "$( ((f == 0)) && echo ok || echo FAIL)" "$name" "$p" "$f" "$s" \
            "$((elapsed / 10)).$((elapsed % 10))"
        if ((f > 0)); then
            show "$log"
            ((${#faults[@]} == 0)) || printf '    %s\n' "${faults[@]}"
        fi
    )"
}

running=0
for program in "$@"; do
    rm -f "$logs/$(basename "$program" .sh)".log.*
    if ((TEST_JOBS == 1)); then # not in the background, where a shell lets its children ignore Ctrl-C
        judge "$program"
        continue
    fi
    if ((running == TEST_JOBS)); then
        wait -n
        ((running -= 1))
    fi
    judge "$program" &
    ((running += 1))
done
wait

passed=0 failed=0 skipped=0
skips=()
for program in "$@"; do
    log=$logs/$(basename "$program" .sh).log
    read -r p f s <"$log.counts" || { echo "$program: nobody judged it" && exit 2; }
    ((passed += p, failed += f, skipped += s))
    mapfile -t -O ${#skips[@]} skips <"$log.skips"
done
if ((${#skips[@]} > 0)); then
    echo "skipped:"
    printf '    %s\n' "${skips[@]}"
fi
((passed + failed > 0)) || echo "no test was executed"
echo "$passed passed, $failed failed, $skipped skipped"
((passed > 0 && failed == 0))
