#!/bin/bash
# `bench` with an [external] section: another program's results come from the same rounds, under its name. The rival is a shell
# script. Prints TAP.
set -u
export BITJOULE_CONFIGS=$PWD/configs
. tests/cli_lib.sh

# a program that says how long it took, in the words of llama-bench, and fails where its model is not there
cat >"$dir/rival" <<'END'
#!/bin/sh
[ -r "$1" ] || exit 3
echo run >>"$(dirname "$0")/runs"
echo "a message"
echo "[{\"n_threads\": $2, \"n_prompt\": $3, \"n_gen\": $4, \"samples_ns\": [2000000, 2200000]}]"
END
chmod +x "$dir/rival"
# suite COMMAND [LINE]: a suite with that command
suite() {
    cat >"$dir/suite.ini" <<END
[matrix]
models = tests/golden/kjv-tiny-f16.gguf
formats = f16
threads = 1
prompt = 4
gen = 3
[measure]
warmup = 1
block_s = 0.001
rounds = 3
timeout_s = 60
[external]
name = rival
command = $1
${2:-}
END
}
run() { capture bj bench -c "$dir/suite.ini" -o "$dir/run" --no-report; }
has_cell() { grep -q "$1" "$dir/out"; }

suite "$dir/rival {model} {threads} {n_prompt} {n_gen}"
run
ok "exit status 0" is "$rc" 0
# 4 and 3 tokens in the mean of 2.0 and 2.2 ms, whatever the process took besides
ok "prefill by the program's own time" has_cell '/rival/-/t1/pp4/d0/b4  *1905 '
ok "decode too" has_cell '/rival/-/t1/tg3/d0/b1  *1429 '
ok "compared with our f16" has_cell '/rival/-/t1/tg3.*x \['
ok "it ran once a round and to warm up, for both tests" calc "$(wc -l <"$dir/runs") >= 2 * 4"
ok "in the rounds of our cells" is "$(grep -c '"type":"contest"' "$dir/run/results.jsonl")" 2
ok "the record says that it is external" is "$(grep -c '"program": "rival"' "$dir/run/results.json")" 2
ok "with the peak memory of its process" eval "grep -A5 '\"rss_peak_bytes\"' '$dir/run/results.json' | grep -q wait4"
ok "report reads the record" bj report "$dir/run" -o "$dir/check"
ok "report names it" grep -q rival "$dir/check/report.md"

suite "$dir/rival {model} {threads} {n_prompt} {n_gen} >{out}"
run
ok "from a file: exit status 0" is "$rc" 0
ok "from a file: its result" has_cell '/rival/-/t1/pp4/d0/b4  *1905 '

suite "sleep 0.05" "time = wall"
run
ok "wall time: exit status 0" is "$rc" 0
ok "wall time: at most 3 tokens in 0.05 s" calc "$(sed -n 's|.*/rival/-/t1/tg3/d0/b1  *\([0-9.]*\) .*|\1|p' "$dir/out") <= 60"

suite "$dir/rival /nowhere"
run
ok "a program that fails: its cells fail" is "$rc" 1
ok "a program that fails: ours do not" has_cell '/f16/f16/t1/tg3/d0/b1  *[0-9]'
ok "a program that fails: the reason" grep -q 'its command ended with an error' "$dir/run/results.json"

suite "echo nothing"
run
ok "no result in the output: its cells fail" is "$rc" 1
ok "no result in the output: the reason" grep -q 'no result of this test in its output' "$dir/run/results.json"

suite "true" "time = cpu"
run
ok "bad time: refused" eval "is $rc 2 && has 'time: llama-bench or wall' err"
echo "1..$n"
