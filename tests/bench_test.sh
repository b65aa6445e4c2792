#!/bin/bash
# `bench` from outside: the record of a tiny run, flags, bad input, a model that does not fit, energy, Ctrl-C. Prints TAP.
#
# results.json is written with one field per line, which is what the greps here rely on; that it is a valid record is checked by
# letting `report` read it.
set -u
export BITJOULE_CONFIGS=$PWD/configs
model=tests/golden/kjv-tiny-i2_s.gguf
. tests/cli_lib.sh

run() { capture bj bench "$@"; }
# lines of results.json of run $1 that hold $2
count() { grep -cF -- "$2" "$dir/$1/results.json"; }
lines() { grep -cF -- "$2" "$dir/$1/results.jsonl"; }
# the values of a field, one per line; where it is an object or an array it has none
values() { sed -n "s/^ *\"$2\": \\(.*[^,{[]\\),*\$/\\1/p" "$dir/$1/results.json"; }
# fields RUN NAME VALUE: every field of that name has that value
fields() { [ "$(values "$1" "$2" | sort -u)" = "$3" ]; }
# fields_within RUN NAME LO HI: every field of that name is a number between them, and there is one
fields_within() {
    values "$1" "$2" | awk -v lo="$3" -v hi="$4" '!($1 > lo && $1 < hi) { bad = 1 } END { exit bad || !NR }'
}
sha() { sha256sum <"$1" | cut -d' ' -f1; }
# value of each metric of that name
metric() { metric_of "$dir/$1/results.json" "$2"; }
# the record is one that `report` takes
valid() { bj report "$dir/$1" -o "$dir/check" >"$dir/out" 2>"$dir/err"; }

# ---- a tiny suite ------------------------------------------------------------------------------------------
run -c tiny -o "$dir/tiny" --no-report
ok "tiny: exit status 0" is "$rc" 0
ok "tiny: five cells and the check of losslessness, all ok" is "$(count tiny '"status": "ok"')" 6
ok "tiny: stdout has a row per cell" is "$(grep -c '^kjv-tiny-f16/' "$dir/out")" 5
ok "tiny: stdout names the results" has "results: $dir/tiny/results.json" out
ok "tiny: progress is on stderr" has '[5/5]' err
ok "tiny: progress has no control characters" eval "! grep -q '[[:cntrl:]]' '$dir/err'"
ok "tiny: schema 1" is "$(count tiny '"schema": 1')" 1
ok "tiny: suite" is "$(values tiny suite)" '"tiny"'
ok "tiny: hash of the suite" is "$(values tiny suite_sha256)" "\"$(sha configs/suites/tiny.ini)\""
ok "tiny: the model is an input with its hash" is "$(count tiny "$(sha tests/golden/kjv-tiny-f16.gguf)")" 1
ok "tiny: the text is an input with its hash" is "$(count tiny "$(sha tests/golden/test.txt)")" 1
ok "tiny: two comparisons with f16" is "$(count tiny '"ratio":')" 2
# of four speeds, and of the time to first token of two prefills
ok "tiny: method of the interval" is "$(count tiny '"t interval of log time, n=3"')" 6
ok "tiny: ratios are of rounds" is "$(count tiny '"ratios of 3 rounds: t interval of log time, n=3"')" 2
ok "tiny: three contests, all ended as asked" is "$(count tiny '"stop": "rounds"')" $((3 + 5))
ok "tiny: cells of a contest are listed with it" is "$(count tiny '"kjv-tiny-f16/f16/f16/t1/tg3/d0/b1"')" 4
ok "tiny: not interrupted" is "$(values tiny interrupted)" false
for m in rss_peak_bytes pss_bytes weights_bytes embedding_bytes kv_bytes scratch_bytes energy_pkg_j joules_per_token power_pkg_w \
    load_s load_read_s load_repack_s weights_huge_share; do
    ok "tiny: every cell has the metric $m" is "$(count tiny "\"name\": \"$m\"")" 5
done
ok "tiny: memory is above 0" calc "$(metric tiny weights_bytes | head -n 1) > 1000000 && $(metric tiny kv_bytes | head -n 1) > 0"
ok "tiny: reading and repacking are parts of loading" calc "$(metric tiny load_read_s | head -n 1) > 0 &&
    $(metric tiny load_repack_s | head -n 1) > 0 &&
    $(metric tiny load_read_s | head -n 1) + $(metric tiny load_repack_s | head -n 1) <= $(metric tiny load_s | head -n 1) + 1e-6"
ok "tiny: perplexity is a sane number" calc "$(metric tiny perplexity) > 10 && $(metric tiny perplexity) < 500"
ok "tiny: the stream has every warm-up" is "$(lines tiny '"kind":"warmup"')" "$(sed -n '/"warmup_s": \[$/,/\]/p' "$dir/tiny/results.json" | grep -c '^ *[0-9]')"
ok "tiny: and the arms of the check of losslessness" eval "grep -q '^lossless: reference i2_s, c,' '$dir/err' && grep -q '^lossless: q8_0' '$dir/err'"
# void ones too, on a busy machine
ok "tiny: the stream has every block" is "$(lines tiny '"type":"block"')" "$(count tiny '"round": ')"
ok "tiny: three rounds" calc "$(lines tiny '"type":"block"') >= 4 * 3 + 1"
ok "tiny: the peaks are blocks of the rounds" is "$(lines tiny '"type":"peak_block"')" $((2 * 3))
ok "tiny: shares of the roofline come from pairs" fields_within tiny share 0 1000
ok "tiny: the stream begins with the header" eval "head -n 1 '$dir/tiny/results.jsonl' | grep -q '^{\"type\":\"header\"'"
ok "tiny: the stream ends with the footer" eval "tail -n 1 '$dir/tiny/results.jsonl' | grep -q '^{\"type\":\"footer\"'"
ok "tiny: peaks were measured" fields_within tiny read_gb_s 0 100000
ok "tiny: of arithmetic too" fields_within tiny int8_gmac_s 0 1000000
ok "tiny: every ternary kernel is in the part lossless, with the reference's bits" calc "$(count tiny '"bit_identical": true') >= 4"
ok "tiny: lossless on stdout" has "reference: i2_s, c, int8 per token" out
share=$(values tiny share_of_1s)
ok "tiny: the harness takes less than 0.1 % of a block of 1 s ($share)" calc "$share > 0 && $share < 0.001"
ok "tiny: and says so" has 'of a block'"'"'s window' err
ok "tiny: report reads the record" valid tiny

# ---- flags -------------------------------------------------------------------------------------------------
run -m $model -f i2_s,tq1_0 -f tq2_0 -t 1,2 -p 0 -n 6 -r 2 --passes 1 --block 0.001 --warmup 0 --isa c --seed 7 -o "$dir/flags" --no-report
ok "flags: exit status 0" is "$rc" 0
ok "flags: three formats, two thread counts" is "$(count flags '"status": "ok"')" 6
ok "flags: decode only, no quality row" fields flags test '"tg6"'
ok "flags: -r" fields flags rounds 2
ok "flags: --warmup 0" is "$(lines flags '"kind":"warmup"')" 0
ok "flags: --isa c is what ran" fields flags head_isa '"c"'
ok "flags: --isa c also holds for the peaks" fields flags isa '"c"'
ok "flags: every ternary format and thread count chose the same tokens" is "$(values flags output_sha256 | sort -u | wc -l)" 1
run -m $model -f i2_s -t 1 -p 0 -n 6 -r 1 --block 0.001 --warmup 0 --seed 8 -o "$dir/flags" --no-report
ok "flags: another seed, other tokens" eval "! grep -qF -- \$(values flags output_sha256) '$dir/flags/previous/results.json'"
ok "flags: one sample has no interval" is "$(count flags '"single sample"')" 1
ok "flags: the run before was moved to previous/" is "$(count flags/previous '"status": "ok"')" 6
run -c tiny --dry-run -d 0,8 -o "$dir/dry"
ok "dry run: exit status 0" is "$rc" 0
ok "dry run: counts the cells" has '9 cells, 0 of them skipped' out
ok "dry run: lists them" has 'kjv-tiny-f16/i2_s/f16/t1/tg3/d8/b1' out
ok "dry run: what is in memory at the same time" has 'in memory together: kjv-tiny-f16 f16 i2_s: 0.' out
ok "dry run: the rounds" has '3 rounds, of blocks of 0.001 s' out
ok "dry run: how long it takes" has 'very roughly' out
run -c tiny --dry-run -r 4 --passes 2
ok "dry run: the passes" has '4 rounds, spread over 2 passes, of blocks' out
ok "dry run: makes nothing" [ ! -e "$dir/dry" ]

# ---- fresh processes, two programs --------------------------------------------------------------------------
if [ ${#RUN_CMD[@]} -eq 0 ]; then
    run -m $model -f i2_s -t 1 -p 0 -n 3 -r 3 --block 0.001 --isolate -o "$dir/isolate" --no-report
    ok "isolate: three blocks" eval "is $rc 0 && is \"\$(count isolate '\"status\": \"ok\"')\" 1"
    ok "isolate: each block was warmed up in its own process" \
        calc "$(lines isolate '"kind":"warmup"') >= $(lines isolate '"type":"block"')"
    ok "isolate: the record says so" is "$(count isolate '"fresh_processes": true')" 1
    run -m $model -f i2_s -t 1 -p 0 -n 3 -r 3 --block 0.001 --against "$BITJOULE" -o "$dir/arms" --no-report
    ok "against: exit status 0" is "$rc" 0
    ok "against: both arms are cells" is "$(values arms arm | tr '\n' ' ')" '"base" "new" '
    ok "against: they gave the same tokens" is "$(values arms output_sha256 | sort -u | wc -l)" 1
    ok "against: new is compared with base" grep -q '"base": "kjv-tiny-i2_s/i2_s/.*/base"' "$dir/arms/results.json"
    ok "against: in the same contest" is "$(count arms '"contest": ')" 1
    printf '#!/bin/sh\necho "unknown command" >&2\nexit 2\n' >"$dir/old"
    chmod +x "$dir/old"
    run -m $model -f i2_s -t 1 -p 0 -n 3 -r 3 --block 0.001 --against "$dir/old" -o "$dir/arms" --no-report
    ok "against: a program that is no worker fails its arm alone" \
        eval "is $rc 1 && is \"\$(count arms '\"status\": \"ok\"')\" 1 && is \"\$(count arms '\"status\": \"failed\"')\" 1"
    ok "against: and is told" grep -q 'old cannot serve as a worker of this program (protocol 2): worker exited with status 2' \
        "$dir/arms/results.json"
    # answers every command with another protocol
    printf '#!/bin/sh\nread -r line <&"$3"\necho "{\\"protocol\\": 99}" >&"$3"\nread -r line <&"$3"\n' >"$dir/old"
    run -m $model -f i2_s -t 1 -p 0 -n 3 -r 3 --block 0.001 --against "$dir/old" -o "$dir/arms" --no-report
    ok "against: another protocol is told" grep -q 'old speaks worker protocol 99, this program 2' "$dir/arms/results.json"
else
    for t in "three blocks" "each block was warmed up in its own process" "the record says so"; do
        skip "isolate: $t" "an emulated program cannot start itself"
    done
    for t in "exit status 0" "both arms are cells" "they gave the same tokens" "new is compared with base" "in the same contest" \
        "a program that is no worker fails its arm alone" "and is told" "another protocol is told"; do
        skip "against: $t" "an emulated program cannot start itself"
    done
fi

# ---- profile -----------------------------------------------------------------------------------------------
run -m $model -f i2_s -t 2 -p 4 -n 3 -r 3 --block 0.001 --profile --counters none -o "$dir/profile" --no-report
shares=$(values profile share | awk '{ s += $1 } END { printf "%.6f", s }')
ok "profile: exit status 0" is "$rc" 0
# the shares of two profiles; those of two rooflines, which the awk below takes away
roofs=$(grep -A1 '"bound":' "$dir/profile/results.json" | sed -n 's/.*"share": \([^,]*\),*/\1/p' |
    awk '{ s += $1 } END { printf "%.6f", s + 0 }')
ok "profile: the shares of both cells add up to 1 ($shares - $roofs)" \
    calc "$shares - $roofs > 1.99999 && $shares - $roofs < 2.00001"
ok "profile: is no block" is "$(lines profile '"type":"block"')" "$(count profile '"round": ')"
ok "profile: a table for each cell" is "$(grep -c 'where the time goes' "$dir/out")" 2
ok "profile: with every operation" is "$(grep -cE '^  (qkv|attention|lm_head|wait|other) ' "$dir/out")" 10
ok "profile: report reads the record" valid profile
ok "profile: report has the section" grep -q '^## Where the time goes' "$dir/check/report.md"
ok "profile: only when asked for" is "$(count tiny '"ops": null')" 5
ok "profile: no counters without a back-end" is "$(count profile '"counters": [')" 0

run -m $model -f i2_s -t 2 -p 4 -n 3 -r 1 --block 0.001 --profile --counter-group software,basic -o "$dir/counted" --no-report
ok "profile: counters of each operation: exit status 0" is "$rc" 0
# of every operation in the record, each event is a number or has a reason
page_faults=$(grep -A5 '"name": "events_page_faults"' "$dir/counted/results.json" | grep -cE '"value": [0-9]|"reason": "[^"]')
operations=$(grep -c '"slowest_s_per_token":' "$dir/counted/results.json")
ok "profile: page faults of each operation, or why not ($page_faults of $operations)" calc "$page_faults >= $operations && $operations > 9"
ok "profile: a table of each group and cell" is "$(grep -c '^  counters, group \(software\|basic\)' "$dir/out")" 4
ok "profile: what is not counted has its reason" calc \
    "$(grep -c '^  unavailable: ' "$dir/out") + $(grep -c '^  operation .*ipc' "$dir/out") > 0"
ok "profile: report reads the record with counters" valid counted

# ---- bad input ---------------------------------------------------------------------------------------------
# refused TEXT ARGS...: exit status 2, one line that has TEXT, nothing on stdout
refused() {
    local text=$1
    shift
    run -o "$dir/refused" "$@"
    ok "refused: $*" eval "is $rc 2 && has \"$text\" err && one_line && [ ! -s '$dir/out' ] && [ ! -e '$dir/refused' ]"
}
printf '[suite]\ndescription = x\n\n[matrix]\nmodells = synth:125m\n' >"$dir/bad.ini"
refused "$dir/bad.ini:5: modells: unknown key in section [matrix]" -c "$dir/bad.ini"
printf '[matrix]\nthreads = 0\n' >"$dir/bad.ini"
refused "$dir/bad.ini:2: threads: '0' is not a number from 1 to 1024" -c "$dir/bad.ini"
refused "no such suite; there are: " -c nosuch
refused "--threads: 'x' is not a number" -t x
refused "--formats: 'f17' is no weight format" -f f17
refused "--kv: 'f64' is no KV cache type" --kv f64
refused "--against 'nowhere': No such file" --against nowhere
refused "--precision: '0' is not a share above 0" --precision 0
refused "min_rounds is above max_rounds" --min-rounds 9 --max-rounds 8
refused "--timeout: '0' is not a number of seconds" --timeout 0
refused "nowhere.gguf" -m nowhere.gguf
refused "nothing to run" -c tiny -p 0 -n 0
refused "--energy-source 'rapl': no such source" --energy-source rapl
refused "--baseline '0': expected a number from 0.1 to 3600" --baseline 0
refused "'extra' is no flag" extra
run -c tiny -o /dev/null/out
ok "refused: an output folder that cannot be made" eval "is $rc 2 && one_line && has '-o /dev/null/out: Not a directory' err"
run -c tiny --frobnicate
ok "refused: unknown flag" eval "is $rc 2 && has frobnicate err"

# ---- too large ---------------------------------------------------------------------------------------------
available_gb=$(awk '/MemAvailable/ { print int($2 / 1e6) }' /proc/meminfo)
if [ "$available_gb" -lt 180 ]; then
    run -m synth:100b -f f16 -t 1 -p 8 -n 0 -o "$dir/large" --no-report
    ok "too large: skipped" is "$(count large '"status": "skipped"')" 1
    ok "too large: is no failure" is "$rc" 0
    ok "too large: with the sum" \
        grep -Eq '"reason": "needs [12][0-9]{2}\.[0-9] GB, [0-9.]+ [GM]B available \(weights [0-9.]+, cache and buffers [0-9.]+\)"' "$dir/large/results.json"
else
    skip "too large: skipped" "this machine could hold it"
    skip "too large: is no failure" "this machine could hold it"
    skip "too large: with the sum" "this machine could hold it"
fi

# ---- energy: a counter that another process drives, 50 W ---------------------------------------------------
zone=$dir/sys/class/powercap/intel-rapl:0
mkdir -p "$zone"
echo package-0 >"$zone/name"
echo 262143328850 >"$zone/max_energy_range_uj"
play() { # about every 2 ms
    chrt -f -p 1 "$BASHPID" >/dev/null 2>&1 # as root: on a busy machine, too
    local t0=${EPOCHREALTIME/[.,]/}
    while [ -d "$zone" ]; do
        printf '%020d\n' $((50 * (${EPOCHREALTIME/[.,]/} - t0))) 1<>"$zone/energy_uj"
        nap 0.002
    done
}
play &
drivers=$!
sleep 0.1
tokens=$([ ${#RUN_CMD[@]} -eq 0 ] && echo 200 || echo 4) # a window of some 0.1 s to 2 s: the counter must move
run -m $model -f i2_s -t 1 -p 0 -n "$tokens" -r 5 --block 0.2 --sysfs "$dir/sys" -o "$dir/energy" --no-report
joules=$(metric energy energy_pkg_j)
per_token=$(metric energy joules_per_token)
ok "energy: read from the counter ($joules J)" calc "${joules/null/0} > 0"
reps=$(sed -n 's/^   "repetitions": \([0-9]*\),*$/\1/p' "$dir/energy/results.json")
expected=$(awk "BEGIN { print ${joules/null/0} / ($reps * $tokens) }")
ok "energy: per token, over all $reps repetitions of 5 blocks" \
    calc "${per_token/null/0} > 0.999 * $expected && ${per_token/null/0} < 1.001 * $expected"
run -m $model -f i2_s,f16 -t 1 -p 0 -n "$tokens" -r 3 --block 0.2 --sysfs "$dir/sys" --baseline 1 --estimate --no-report -o "$dir/energy2"
ok "energy: exit status 0" is "$rc" 0
ok "energy: the source is in the record" eval "grep -A3 '^ \"energy\": {' '$dir/energy2/results.json' | grep -q '\"name\": \"powercap\"'"
ok "energy: eight idle windows" is "$(grep -c '^     "seconds": ' "$dir/energy2/results.json")" 8
idle=$(grep -A1 '"idle_w": {' "$dir/energy2/results.json" | sed -n 's/.*"value": \([^,]*\),.*/\1/p')
ok "energy: the idle machine draws 50 W ($idle)" calc "${idle/null/0} > 48 && ${idle/null/0} < 52"
ok "energy: every cell has the joules of its blocks" is "$(count energy2 '"energy_samples_j": [')" 2
ok "energy: no list of them is empty" is "$(count energy2 '"energy_samples_j": []')" 0
ok "energy: net of every cell" is "$(count energy2 '"net_joules_per_token": {')" 2
ok "energy: the ratio is split into time and power" is "$(count energy2 '"power_ratio": {')" 1
ok "energy: three estimates per cell, marked" is "$(count energy2 '"status": "estimated"')" 6
if [ ${#RUN_CMD[@]} -eq 0 ]; then
    bj report "$dir/energy2/results.json" -o "$dir/energy2" >/dev/null 2>&1
    ok "energy: the report shows the factors" grep -q '= time / f16' "$dir/energy2/report.md"
    ok "energy: the report shows no estimate" eval "! grep -q 'estimated_' '$dir/energy2/report.md'"
else
    skip "energy: the report shows the factors" "an emulated process cannot start the report"
    skip "energy: the report shows no estimate" "an emulated process cannot start the report"
fi
ok "energy: no estimate without being asked" is "$(count energy '"status": "estimated"')" 0
run -m $model -f i2_s -t 1 -p 0 -n 2 -r 1 --block 0.001 --sysfs "$dir/sys" --energy-source hwmon --no-report -o "$dir/energy3"
ok "energy: --energy-source takes only that one" eval "is \"\$(metric energy3 joules_per_token)\" null && [ \"\$(count energy3 'no energyN_input')\" -gt 0 ]"
kill "$drivers" 2>/dev/null
drivers=

# ---- Ctrl-C ------------------------------------------------------------------------------------------------
# a run that would take far too long; it is interrupted in its first cell
"${RUN_CMD[@]}" "$BITJOULE" bench -m $model -f i2_s -t 1 -p 8,9,10 -n 0 -r 9999 --block 0.001 --timeout 3000 --no-report -o "$dir/int" \
    >"$dir/out" 2>"$dir/err" &
victim=$!
for _ in $(seq 600); do
    [ -e "$dir/int/results.jsonl" ] && [ "$(lines int '"type":"block"')" -gt 3 ] && break
    sleep 0.05
done
kill -INT $victim
wait $victim
rc=$?
ok "Ctrl-C: exit status 130" is "$rc" 130
ok "Ctrl-C: the record says so" is "$(values int interrupted)" true
ok "Ctrl-C: the running cell is what it has so far" is "$(count int '"status": "ok"')" 1
ok "Ctrl-C: the others are skipped" is "$(count int '"status": "skipped"')" 2
ok "Ctrl-C: and say why" is "$(count int '"reason": "interrupted"')" 2
ok "Ctrl-C: the cell and its contest were interrupted" calc "$(count int '"stop": "interrupted"') >= 2"
ok "Ctrl-C: its blocks are kept" calc "$(count int '"round": ') > 3"
ok "Ctrl-C: the record is valid" valid int

# ---- report ------------------------------------------------------------------------------------------------
if [ ${#RUN_CMD[@]} -eq 0 ]; then
    run -m $model -f i2_s -t 1 -p 4 -n 0 -r 2 --block 0.001 -o "$dir/report"
    ok "report: its path is printed" has "report: $dir/report/report.md" out
    ok "report: is there" [ -s "$dir/report/report.md" ]
else
    skip "report: its path is printed" "an emulated program cannot start itself"
    skip "report: is there" "an emulated program cannot start itself"
fi
echo "1..$n"
