#!/bin/bash
# `bench` with requests and with several sequences at once, by flags and by a suite: cells, record, bad input. Prints TAP.
set -u
export BITJOULE_CONFIGS=$PWD/configs
model=tests/golden/kjv-tiny-i2_s.gguf
. tests/cli_lib.sh

run() { capture bj bench "$@"; }
lines() { grep -cF -- "$2" "$dir/$1/results.jsonl"; }
# field RUN CELL-ID NAME: the first value of that field after the cell's id
field() { sed -n "\|\"id\": \"[^\"]*$2\"|,/\"profile\"/p" "$dir/$1/results.json" | sed -n "s/^ *\"$3\": \\(.*[^,]\\),*\$/\\1/p" | head -n 1; }
# inside RUN CELL-ID OBJECT NAME: the same in an object of it
inside() {
    sed -n "\|\"id\": \"[^\"]*$2\"|,/\"definitions\"/p" "$dir/$1/results.json" | sed -n "/\"$3\": {/,/}/s/^ *\"$4\": \\([^,]*\\),*\$/\\1/p" | head -n 1
}

cat >"$dir/suite.ini" <<EOF
[matrix]
models = $model
formats = i2_s
threads = 1
gen = 3
request = pp6+tg4, pp5+tg1
sequences = 1, 3
[measure]
warmup = 0
rounds = 2
block_s = 0.001
block_energy_s = 0.001
EOF
run -c "$dir/suite.ini" -o "$dir/suite" --no-report
ok "suite: exit status 0" is "$rc" 0
for id in tg3/d0/b1 tg3/d0/b3 pp6+tg4/d0/b6 pp5+tg1/d0/b5; do
    ok "suite: cell $id is ok" is "$(field suite "$id" status)" '"ok"'
done
ok "suite: a batch counts the tokens of all sequences" is "$(field suite tg3/d0/b3 tokens)" 9
ok "suite: a request counts what goes through the model" is "$(field suite pp6+tg4/d0/b6 tokens)" 9
ttft=$(inside suite pp6+tg4/d0/b6 ttft_s mean) tpot=$(inside suite pp6+tg4/d0/b6 tpot_s mean) e2e=$(inside suite pp6+tg4/d0/b6 e2e_s mean)
ok "suite: E2E = TTFT + 3 TPOT" calc "$ttft > 0 && $tpot > 0 && ($e2e - $ttft - 3 * $tpot) ^ 2 < 1e-14"
ok "suite: one token has no TPOT" is "$(field suite pp5+tg1/d0/b5 tpot_s)" null
ok "suite: decode is no request" is "$(field suite tg3/d0/b1 request)" null
ok "suite: report reads the record" eval "bj report '$dir/suite' -o '$dir/check' >'$dir/out' 2>'$dir/err'"

# llama-bench's own spelling
run -m $model -f i2_s -t 1 -p 0 -n 2 -pg 7,2 -npl 2 -b 4 --warmup 0 -r 2 --block 0.001 -o "$dir/flags" --no-report
ok "flags: exit status 0" is "$rc" 0
ok "flags: -npl is of decode" is "$(field flags tg2/d0/b2 status)" '"ok"'
ok "flags: -pg is one request" is "$(field flags pp7+tg2/d0/b4 status)" '"ok"'
ok "flags: no other cells" is "$(lines flags '"type":"cell"')" 2

run -m $model -f i2_s -t 1 -pg 7 -o "$dir/bad" --no-report
ok "-pg 7: exit status 2 and one line" eval "[ $rc = 2 ] && one_line && has \"--pg: '7' is no request such as pp128+tg32 (or 128,32)\" err"
run -m $model -f i2_s -t 1 -npl 300 -o "$dir/bad" --no-report
ok "-npl 300: exit status 2 and one line" eval "[ $rc = 2 ] && one_line && has \"--npl: '300' is not a number from 1 to 256\" err"
printf '[matrix]\nmodels = %s\nformats = i2_s\nthreads = 1\nrequest = pp4-tg4\n' $model >"$dir/wrong.ini"
run -c "$dir/wrong.ini" -o "$dir/bad" --no-report
ok "suite: a wrong request names its line" eval "[ $rc = 2 ] && one_line && has 'wrong.ini:5: request: ' err"
run -m $model -f i2_s -t 1 -p 0 -n 100000 -npl 256 -d 1000000 -o "$dir/large" --no-report
ok "256 contexts that do not fit are skipped with the sum" eval "[ $rc = 0 ] && grep -q '\"reason\": \"needs .* available' '$dir/large/results.json'"
echo "1..$n"
