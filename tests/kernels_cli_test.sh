#!/usr/bin/env bash
# `bitjoule kernels` as a user calls it: table, JSON, exit status, and what bad input gets: one line, status 2. Prints TAP.
set -u
. tests/cli_lib.sh

run() { capture bj kernels "$@"; }

count() { grep -cE -- "$1" "$2"; }
refused() { # WORDS ARGUMENTS...
    local words=$1
    shift
    run "$@"
    ok "refuses with '$words'" eval '[ $rc -eq 2 ] && [ ! -s "$dir/out" ] && [ "$(wc -l <"$dir/err")" -eq 1 ] && grep -qF -- "$words" "$dir/err"'
}

small=(--shape 96x512 -f "i2_s,q8_0" --rounds 2 --min-time 0.0001 --in-cache) # in cache: does not fill a gigabyte with copies

run --shape 96x512 -f "i2_s,q8_0" --rounds 2 --min-time 0.0001 -n 1,8 -t 1,2 --json "$dir/k.json"
ok "runs" is "$rc" 0
ok "says nothing on stderr without a terminal" [ ! -s "$dir/err" ]
ok "one block for each number of threads and tokens" is "$(count '^96 x 512 \(.*(1 thread|2 threads), gem[vm] n = [18]; read [0-9.]+ GB/s in these rounds$' "$dir/out")" 4
ok "plain C of each format in each block" is "$(count '^  (i2_s|q8_0) +c +[0-9.]+ \[[0-9.]+, [0-9.]+\]' "$dir/out")" 8
ok "plain C is 1 times plain C" is "$(awk '$2 == "c" && $8 == 1' "$dir/out" | wc -l)" 8
ok "read bandwidth for each number of threads" is "$(count '^  (1 thread|2 threads): read [0-9.]+  int8 (.* )?c [0-9.]+  fma (.* )?c [0-9.]+$' "$dir/out")" 2
ok "every share is a number" eval '! grep -qiE "nan|inf%|-[0-9]" "$dir/out"'
ok "the last line counts what was checked" grep -qE '^[0-9]+ results, each output equal to plain C.s, bit for bit\.$' "$dir/out"
lines=$(count '^  (i2_s|q8_0) ' "$dir/out")
ok "JSON: as many kernels as lines" is "$(count '"isa": .*' <(sed -n '/"kernels": \[/,/^ \]/p' "$dir/k.json" | grep '^   "isa"'))" "$lines"
ok "JSON: schema, host, build, peaks" eval \
    'grep -q "^ \"schema\": 1" "$dir/k.json" && for k in tool run host warnings build peaks kernels skipped; do grep -q "^ \"$k\":" "$dir/k.json" || exit 1; done'
ok "JSON: two samples of each" is "$(awk '/"samples_ns": \[/ { getline; a = $1; getline; b = $1; getline; if (a + 0 > 0 && b + 0 > 0 && $1 == "],") n++ } END { print n + 0 }' "$dir/k.json")" "$lines"

# time x rate = work, for every kernel: 96 * 512 * n multiply-adds
work() {
    awk '/^   "n": / { tokens = $2 + 0 } /"median":/ && in_ns { ns = $2 + 0; in_ns = 0 } /"ns": \{/ { in_ns = 1 }
        /"gmac_s":/ { r = ns * ($2 + 0) / (96 * 512 * tokens); seen++; if (r < 0.999 || r > 1.001) bad = 1 }
        END { exit bad || seen != '"$lines"' }' "$dir/k.json"
}
ok "JSON: time times rate is the work" work

run "${small[@]}" -n 1 -t 1 --json -
ok "--json -: JSON instead of the table" eval '[ $rc -eq 0 ] && [ "$(head -n 1 "$dir/out")" = "{" ] && [ "$(tail -n 1 "$dir/out")" = "}" ]'
run "${small[@]}" -n 1 -t 1 --isa c
ok "--isa c: nothing but C" is "$(count '^  (i2_s|q8_0) ' "$dir/out")" 2
ok "--in-cache: no bandwidth" eval 'grep -q "^--in-cache" "$dir/out" && ! grep -qE "^  .* read " "$dir/out"'
run "${small[@]}" --shape 64x100 -n 1 -t 1
ok "a shape that a format cannot take is listed" grep -q '^not run: i2_s on 64 x 100: 100 columns are no multiple of 128' "$dir/out"
run --help
ok "--help" eval '[ $rc -eq 0 ] && grep -q "^usage: bitjoule kernels" "$dir/out"'

"${RUN_CMD[@]}" "$BITJOULE" kernels "${small[@]}" -n 1 -t 1 >/dev/full 2>"$dir/err"
rc=$?
ok "a table that cannot be written is an error" eval '[ $rc -eq 1 ] && grep -q "cannot write" "$dir/err"'
run "${small[@]}" -n 1 -t 1 --json /dev/full
ok "JSON that cannot be written is an error" eval '[ $rc -eq 1 ] && grep -q "cannot write /dev/full" "$dir/err"'

refused "-f 'q2_k': unknown format" -f q2_k
refused "--isa 'avx9'" --isa avx9
refused "no model shape 'huge'" -m huge
refused "--shape '10by10'" --shape 10by10
refused "--shape '0x256'" --shape 0x256
refused "--shape '64x999999999'" --shape 64x999999999
refused "-n: '0'" -n 0
refused "-t: '0'" -t 0
refused "--rounds '0'" --rounds 0
refused "--min-time '-1'" --min-time -1
refused "nothing to measure: 100 columns" --shape 64x100 -f i2_s
refused "needs a value" -f
refused "unknown option" --frobnicate
refused "'extra' is no flag" extra
refused "No such file" --shape 96x512 --json "$dir/nowhere/k.json"
echo "1..$n"
