#!/bin/bash
# `bench --resume` of runs with another program in their rounds, and of scenarios: killed at ten random moments, no block and no load is
# lost or there twice. Prints TAP.
set -u
export BITJOULE_CONFIGS=$PWD/configs
. tests/cli_lib.sh
. tests/resume_lib.sh
rounds=8
[ ${#RUN_CMD[@]} -eq 0 ] || rounds=3

# ---- another program in the rounds --------------------------------------------------------------------------
cat >"$dir/rival" <<'END'
#!/bin/sh
sleep 0.02
echo "[{\"n_threads\": 1, \"n_prompt\": $1, \"n_gen\": $2, \"samples_ns\": [2000000, 2200000]}]"
END
chmod +x "$dir/rival"
# external_suite COMMAND [LINE]
external_suite() {
    cat >"$dir/external.ini" <<END
[matrix]
models = tests/golden/kjv-tiny-f16.gguf
formats = i2_s, f16
threads = 1
prompt = 4
gen = 3
[measure]
block_s = 0.02
rounds = $rounds
repeats = 0
[external]
name = rival
command = $1
${2:-}
END
}
external_suite "$dir/rival {n_prompt} {n_gen}"
killed_run external block 4 -c "$dir/external.ini" --no-peaks
blocks_once() { [ "$(blocks "$1" | sort -u | wc -l)" -eq "$2" ] && [ "$(blocks "$1" | wc -l)" -eq "$2" ]; }
ok "external: at least half of the times in the middle" [ $killed -ge $((kills / 2)) ]
ok "external: the last attempt ends well" is "$rc" 0
ok "external: every block of the six cells is there once" blocks_once "$dir/external" $((6 * rounds))
ok "external: nothing that was there is lost" nothing_lost external
ok "external: six cells, two of the other program" eval "is $(count external '"tokens_per_s": {') 6 && is $(count external '"program": "rival"') 2"
ok "external: all are compared in all rounds" is "$(count external "\"rounds\": $rounds,")" $((2 + 4 + 1))

# a run that is killed takes the other program along
# shellcheck disable=SC2016
external_suite "echo \$\$ >$dir/pid; exec sleep 60" "time = wall"
"${RUN_CMD[@]}" "$BITJOULE" bench -c "$dir/external.ini" --no-peaks -o "$dir/sleeping" --no-report >/dev/null 2>&1 &
victim=$!
for _ in $(seq 1500); do
    [ -s "$dir/pid" ] && break
    nap 0.02
done
kill -KILL $victim
wait $victim 2>/dev/null
for _ in $(seq 250); do
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
    nap 0.02
done
ok "external: the other program does not outlive the run" eval "[ -s '$dir/pid' ] && ! kill -0 $(cat "$dir/pid") 2>/dev/null"

# ---- a scenario ---------------------------------------------------------------------------------------------
requests=72 # a load takes longer than the pause before a kill, also on a fast machine
[ ${#RUN_CMD[@]} -eq 0 ] || requests=3
cat >"$dir/scenario.ini" <<END
[matrix]
models = tests/golden/kjv-tiny-i2_s.gguf
formats = i2_s, q8_0
[scenario]
threads = 1
memory_mb = 8000
priority = latency
loads = single-stream, offline, server
request = pp16+tg8
requests = $requests
trials = 4
target_ttft_ms = 100000
target_tpot_ms = 100000
END
killed_run scenario scenario_load 2 --scenario "$dir/scenario.ini"
# what was served, by format, load and rate
served() { sed -n 's/^{"type":"scenario_load",.*"format":"\([^"]*\)","load":"\([^"]*\)","threads":1,"rate":\([^,]*\),.*/\1 \2 \3/p' "$dir/scenario/results.jsonl"; }
# how many loads gave an answer, and in which format: a line for each answer
answers() {
    sed -n 's/^{"type":"scenario_load",.*"format":"\([^"]*\)",.*"output_sha256":"\([^"]*\)".*/\1 \2/p' "$dir/$1/results.jsonl" | sort | uniq -c
}
same_answers() { is "$(answers "$1" | awk '{ print $1, $2 }')" "6 i2_s
6 q8_0"; }
all_served() { is "$(served | wc -l)" 12 && is "$(served | sort -u | wc -l)" 12 && is "$(served | grep -c server)" 8; }
two_verdicts() { is "$rc" 0 && is "$(count "$1" '"fits": true')" 2 && is "$(lines_of "$1" scenario_load)" 12; }
ok "scenario: at least half of the times in the middle" [ $killed -ge $((kills / 2)) ]
ok "scenario: the last attempt ends well" is "$rc" 0
ok "scenario: both formats served single-stream, offline and four rates, each once" \
    all_served
ok "scenario: nothing that was there is lost" nothing_lost scenario
ok "scenario: two verdicts, both fit" two_verdicts scenario
ok "scenario: their loads are those of the stream" is "$(count scenario '"why": ')" 10 # and once more at the load that met the targets
ok "scenario: the same answers in every load, of each format" same_answers scenario
run --resume "$dir/scenario" --no-report
ok "scenario: complete: nothing is served again" two_verdicts scenario
interrupted_run scint scenario_load 1 --scenario "$dir/scenario.ini"
ok "scenario: Ctrl-C: says so" is "$rc" 130
run --resume "$dir/scint" --no-report
ok "scenario: Ctrl-C: goes on to the verdicts" two_verdicts scint
echo "1..$n"
