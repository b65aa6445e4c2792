# Runs that are killed and resumed, for the tests of `bench --resume`; a script sources it after cli_lib.sh. Random moments are those of
# BITJOULE_TEST_SEED, which it prints.
# shellcheck shell=bash disable=SC2154
seed=${BITJOULE_TEST_SEED:-$RANDOM}
echo "# BITJOULE_TEST_SEED=$seed"
RANDOM=$seed

run() { capture bj bench "$@"; }
# the stream's blocks that count, as "cell round", sorted; DIR
blocks() {
    grep '"type":"block"' "$1/results.jsonl" | grep '"void":null' |
        sed 's/.*"index":\([0-9]*\),.*"round":\([0-9]*\),.*/\1 \2/' | sort -n -k1 -k2
}
# lines of that type in the stream of run $1, which may not be there yet
lines_of() { { grep "^{\"type\":\"$2\".*}\$" "$dir/$1/results.jsonl" 2>/dev/null || true; } | wc -l; }
count() { grep -cF -- "$2" "$dir/$1/results.json"; }

# killed_run NAME TYPE MORE ARGS...: starts `bench ARGS...`, kills it up to ten times (under an emulator three) at random moments, each time after less than MORE
# further lines of that type, and resumes it. Status of the last attempt in $rc; what was there when it was killed in $dir/NAME.seen.
killed_run() {
    local name=$1 type=$2 more=$3 victim n_lines=0 want
    shift 3
    killed=0
    seen=
    kills=10
    [ ${#RUN_CMD[@]} -eq 0 ] || kills=3
    "${RUN_CMD[@]}" "$BITJOULE" bench "$@" -o "$dir/$name" --no-report >"$dir/out" 2>"$dir/err" &
    victim=$!
    while [ $killed -lt $kills ]; do
        # until the stream has grown by some lines, then at any moment
        want=$((RANDOM % more + n_lines + (killed == 0))) # the first one needs its header
        for _ in $(seq 1500); do
            kill -0 $victim 2>/dev/null || break
            [ "$(lines_of "$name" "$type")" -ge $want ] && break
            nap 0.01
        done
        nap "0.0$((RANDOM % 90 + 10))"
        kill -0 $victim 2>/dev/null || break # it was faster
        kill -KILL $victim
        wait $victim 2>/dev/null
        killed=$((killed + 1))
        grep "^{\"type\":\"$type\".*}\$" "$dir/$name/results.jsonl" >>"$dir/$name.seen"
        n_lines=$(lines_of "$name" "$type")
        seen="$seen $n_lines"
        [ $killed -eq $((kills / 2)) ] && printf '{"type":"%s","cell":"kjv-ti' "$type" >>"$dir/$name/results.jsonl" # a power cut
        "${RUN_CMD[@]}" "$BITJOULE" bench --resume "$dir/$name" --no-report >"$dir/out" 2>"$dir/err" &
        victim=$!
    done
    wait $victim
    rc=$?
    echo "# $name: killed $killed times; lines of type $type then:$seen"
}
# interrupted_run NAME TYPE LINES ARGS...: Ctrl-C for `bench ARGS...` once its stream has so many lines of that type. Its status in $rc.
interrupted_run() {
    local name=$1 type=$2 enough=$3 victim
    shift 3
    "${RUN_CMD[@]}" "$BITJOULE" bench "$@" -o "$dir/$name" --no-report >/dev/null 2>&1 &
    victim=$!
    for _ in $(seq 1500); do
        [ "$(lines_of "$name" "$type")" -ge "$enough" ] && break
        nap 0.02
    done
    kill -INT $victim
    wait $victim
    rc=$?
}
# Every line that was there at a kill is there at the end.
nothing_lost() { [ -s "$dir/$1.seen" ] && ! sort -u "$dir/$1.seen" | grep -vxFf "$dir/$1/results.jsonl" | grep -q .; }
