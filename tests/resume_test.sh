#!/bin/bash
# `bench --resume`: a run that is killed at ten random moments goes on each time, and its record is that of one run: every block of every
# round once, none lost. Then a torn line, a run that is complete, what must be the same, and bad input. Prints TAP.
set -u
export BITJOULE_CONFIGS=$PWD/configs
. tests/cli_lib.sh
. tests/resume_lib.sh
rounds=8
[ ${#RUN_CMD[@]} -eq 0 ] || rounds=3
# what a stream of the tiny suite must have: two cells of two contests for `rounds` rounds, one row of quality
expected() {
    local cell round
    for cell in 0 1 2 3; do
        for ((round = 1; round <= rounds; round++)); do
            echo "$cell $round"
        done
    done
    echo "4 1"
}
# the rounds of run $1 that have peaks, as "contest round"
peak_rounds() { sed -n '/^{"type":"peak_block"/s/.*"contest":"\([^"]*\)".*"round":\([0-9]*\),.*/\1 \2/p' "$dir/$1/results.jsonl"; }
same_blocks() { [ "$(blocks "$1")" = "$(expected)" ]; }

# ---- killed again and again --------------------------------------------------------------------------------
killed_run killed block 4 -c tiny -r $rounds --passes 2 --block 0.02 --no-peaks
ok "killed: at least half of the times in the middle" [ $killed -ge $((kills / 2)) ]
ok "killed: the last attempt ends well" is "$rc" 0
ok "killed: every block is there once" same_blocks "$dir/killed"
ok "killed: nothing that was there is lost" nothing_lost killed
ok "killed: results.json has the same blocks" is "$(count killed '"void": null')" $((4 * rounds + 1))
ok "killed: five cells, all ok" is "$(count killed '"tokens_per_s": {')" 5
ok "killed: two contests in two passes, and quality" is "$(count killed '"contest": ')" 5
ok "killed: each pass was gone through once" is "$(count killed '"stop": "pass"')" 2
ok "killed: all rounds were done" is "$(count killed '"stop": "rounds"')" 8
ok "killed: compared in all rounds" is "$(count killed "\"rounds\": $rounds,")" $((2 + 1)) # comparisons, the setting
ok "killed: the attempts are in the record" [ "$(count killed '"utc": ')" -ge 1 ]
ok "killed: the stream is whole" is "$(grep -c '^{"type":.*}$' "$dir/killed/results.jsonl")" "$(wc -l <"$dir/killed/results.jsonl")"
ok "killed: report reads both" eval "bj report '$dir/killed' -o '$dir/r1' >/dev/null && bj report '$dir/killed/results.jsonl' -o '$dir/r2' >/dev/null"

# ---- a run that is complete, and one that was interrupted ---------------------------------------------------
before=$(blocks "$dir/killed")
run --resume "$dir/killed" --no-report
ok "complete: nothing is run again" eval "is $rc 0 && is \"\$(blocks '$dir/killed')\" \"\$before\""
ok "complete: five cells still" is "$(count killed '"tokens_per_s": {')" 5
# Ctrl-C in the first or the second pass
interrupted_run int block $((1 + RANDOM % (3 * rounds))) -c tiny -r $rounds --passes 2 --block 0.1
ok "Ctrl-C: says so" is "$rc" 130
run --resume "$dir/int" --no-report
ok "Ctrl-C: goes on to the end" eval "is $rc 0 && same_blocks '$dir/int' && is \"\$(count int '\"tokens_per_s\": {')\" 5"
ok "Ctrl-C: every round has its peaks once" is "$(grep -c '"type":"peak_block"' "$dir/int/results.jsonl")" $((2 * rounds))
ok "Ctrl-C: and each block those of its round" is "$(count int '"peaks": {')" $(($(count int '"round": ') - 1)) # not that of quality
ok "Ctrl-C: is interrupted no more" eval "grep -q '\"interrupted\": false' '$dir/int/results.json' && ! grep -q '\"stop\": \"interrupted\"' '$dir/int/results.json'"

# cut off between the last block of a round and its peaks, which are the third of three in two of six rounds
run -c tiny -r 6 --passes 1 --block 0.02 --no-report -o "$dir/peaks"
awk '/"type":"peak_block"/ && /"position":3,/ { exit } { print }' "$dir/peaks/results.jsonl" >"$dir/cut"
mv "$dir/cut" "$dir/peaks/results.jsonl"
ok "cut off before its peaks: they are missing" [ "$(lines_of peaks peak_block)" -lt 6 ]
run --resume "$dir/peaks" --no-report
ok "cut off before its peaks: goes on to the end" is "$rc" 0
ok "cut off before its peaks: every round has them once" is "$(peak_rounds peaks | wc -l) $(peak_rounds peaks | sort -u | wc -l)" "12 12"
ok "cut off before its peaks: and each block those of its round" is "$(count peaks '"peaks": {')" $(($(count peaks '"round": ') - 1))

# ---- what must be the same ----------------------------------------------------------------------------------
sed -i '1s/"cpu_model":[^,]*,/"cpu_model":"Another CPU",/' "$dir/int/results.jsonl"
run --resume "$dir/int" --no-report
ok "another host: refused" eval "is $rc 2 && one_line && has 'the host differs: cpu_model was \"Another CPU\", is' err"
run --resume "$dir/int" --no-report --allow-different host
ok "another host: unless allowed" is "$rc" 0
sed -i '1s/"binary_sha256":"[0-9a-f]*"/"binary_sha256":"0"/' "$dir/int/results.jsonl"
run --resume "$dir/int" --no-report --allow-different host
ok "another program: refused" eval "is $rc 2 && one_line && has 'the program differs: binary_sha256' err"
run --resume "$dir/int" --no-report --allow-different host --allow-different program
ok "another program: unless allowed" is "$rc" 0
sed -i '1s/"sha256":"[0-9a-f]*"/"sha256":"0"/' "$dir/int/results.jsonl"
run --resume "$dir/int" --no-report --allow-different host --allow-different program
ok "other inputs: refused" eval "is $rc 2 && one_line && has 'the inputs differs: one of them' err"

# ---- bad input ---------------------------------------------------------------------------------------------
refused() { # TEXT ARGS...
    local text=$1
    shift
    run "$@"
    ok "refused: $*" eval "is $rc 2 && has \"$text\" err && one_line"
}
refused "--resume $dir/nowhere: No such file" --resume "$dir/nowhere"
mkdir "$dir/empty"
refused "--resume $dir/empty: No such file" --resume "$dir/empty"
printf '{"type":"block"}\n' >"$dir/empty/results.jsonl"
refused "has no header: that run had not begun" --resume "$dir/empty"
{ head -n 3 "$dir/killed/results.jsonl"; echo garbage; tail -n 3 "$dir/killed/results.jsonl"; } >"$dir/empty/results.jsonl"
refused "results.jsonl:4: damaged: not a line of a record" --resume "$dir/empty"
refused "-r does not go with --resume" --resume "$dir/killed" -r 3
refused "--allow-different goes with --resume" -c tiny --allow-different host
refused "--allow-different 'cpu': host, program or inputs is expected" --resume "$dir/killed" --allow-different cpu
echo "1..$n"
