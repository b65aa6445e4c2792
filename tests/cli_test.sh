#!/bin/bash
# The program as a user calls it: run, logits, synth, convert, and what bad input gets: one line, status 2.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
golden=tests/golden
n=0
plan=19
echo "1..$plan"

ok() { # ok CONDITION-STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' "$dir/err" 2>/dev/null | head -5; fi
}

bj() { $RUN "$BITJOULE" "$@"; }

# bad WORDS COMMAND...: status 2, exactly one line on stderr, and it says WORDS
bad() {
    local words=$1 status
    shift
    bj "$@" >"$dir/out" 2>"$dir/err"
    status=$?
    [ $status -eq 2 ] && [ "$(wc -l <"$dir/err")" -eq 1 ] && grep -qF -- "$words" "$dir/err"
    ok $? "$1: refuses with '$words'"
}

text=$(bj run -m $golden/kjv-tiny-i2_s.gguf -p "In the beginning" -n 12 --temp 0 -q 2>"$dir/err")
[ "$text" = " of the LORD, and the mercy seateth not:" ]
ok $? "run: greedy text of the trained model"

bj run -m $golden/kjv-tiny-i2_s.gguf -p "And" -n 8 --seed 5 -q >"$dir/a" 2>"$dir/err" &&
    bj run -m $golden/kjv-tiny-tq1_0.gguf -p "And" -n 8 --seed 5 -q -t 1 >"$dir/b" 2>"$dir/err" && cmp -s "$dir/a" "$dir/b"
ok $? "run: the same seed gives the same text with another format and thread count"

printf 'Who art thou?\nAnd whence?\n' | bj run -m $golden/kjv-tiny-i2_s.gguf --chat -n 4 --temp 0 -q >"$dir/a" 2>"$dir/err" &&
    [ "$(wc -l <"$dir/a")" -ge 2 ]
ok $? "run --chat: a reply to each line"

bj logits -m $golden/kjv-tiny-i2_s.gguf --tokens 2006,41,272 --all -o "$dir/a" 2>"$dir/err" &&
    bj logits -m $golden/kjv-tiny-f16.gguf --format i2_s --tokens 2006,41,272 --all --isa c -t 1 -o "$dir/b" 2>"$dir/err" &&
    cmp -s "$dir/a" "$dir/b" && [ "$(wc -c <"$dir/a")" -eq $((3 * 2048 * 4)) ]
ok $? "logits: the same bytes from another format, thread count and instruction set"

bj logits -m $golden/kjv-tiny-i2_s.gguf --tokens 2006,41,272 -o - 2>"$dir/err" | cmp -s - <(tail -c 8192 "$dir/a")
ok $? "logits: the last position on standard output"

bj synth tests/shapes/tiny-llama.ini -o "$dir/s.gguf" -f f16 2>"$dir/err" &&
    bj convert "$dir/s.gguf" -o "$dir/c.gguf" -f i2_s 2>"$dir/err" && bj convert "$dir/c.gguf" -o "$dir/d.gguf" -f f16 2>"$dir/err" &&
    cmp -s <(tail -c 1000000 "$dir/s.gguf") <(tail -c 1000000 "$dir/d.gguf")
ok $? "synth and convert: f16 to i2_s and back gives the same tensors"

bj tokenize -m "$dir/s.gguf" -p "w270" >"$dir/a" 2>"$dir/err"
ok $? "synth: the stand-in vocabulary is readable"

bj --help >"$dir/a" && grep -q perplexity "$dir/a" && bj version | grep -q '^bitjoule [0-9]'
ok $? "help and version"

bad "unknown command 'bnch'" bnch
bad "-m MODEL is missing" run -p x
bad "absent.gguf" run -m absent.gguf -p x
bad "synthetic model has no vocabulary" run -m synth:tests/shapes/tiny-llama.ini -p x
bad "no model shape 'huge'" synth huge -o "$dir/x.gguf"
bad "expected a whole number from 1" run -m $golden/kjv-tiny-i2_s.gguf -p x -n 0
bad "--kv 'q4'" run -m $golden/kjv-tiny-i2_s.gguf -p x --kv q4
bad "an id outside 0..2047" logits -m $golden/kjv-tiny-i2_s.gguf --tokens 5000 -o "$dir/x"
bad "is not ternary" convert $golden/kjv-tiny-f16.gguf -o "$dir/x.gguf" -f i2_s --embedding i2_s
head -c 5000 $golden/kjv-tiny-i2_s.gguf >"$dir/cut.gguf"
bad "cut.gguf" run -m "$dir/cut.gguf" -p x
[ ! -e "$dir/x.gguf" ]
ok $? "no file is left behind by a command that failed"
[ "$n" -eq "$plan" ]
