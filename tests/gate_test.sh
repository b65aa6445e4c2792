#!/usr/bin/env bash
# `bitjoule compare` and `bitjoule gate` as a user calls them: exit statuses, refusals, outputs. The records are made here.
set -u
. tests/cli_lib.sh

made_record "$dir/base.json" 1 0.200
made_record "$dir/same.json" 1 0.2001
made_record "$dir/slow.json" 1 0.220
made_record "$dir/other.json" 1 0.200 "Another CPU"
mkdir "$dir/run" && cp "$dir/slow.json" "$dir/run/results.json"

check "compare shows the change" 0 "-9.09 %" bj compare "$dir/base.json" "$dir/slow.json"
check "compare takes the folder of a run" 0 "-9.09 %" bj compare "$dir/base.json" "$dir/run"
check "~ where nothing is shown" 0 "  ~  no difference shown" bj compare "$dir/base.json" "$dir/same.json"
check "Markdown" 0 "| 125m/i2_s/q6_k/t1/tg32/d0/b1 |" bj compare "$dir/base.json" "$dir/slow.json" -o markdown
check "JSON" 0 '"p_holm": ' bj compare "$dir/base.json" "$dir/slow.json" -o json
check "unlike machines are refused" 2 "cpu_model is 'Synthetic CPU' and 'Another CPU'" bj compare "$dir/base.json" "$dir/other.json"
check "unless that is allowed" 0 "different and allowed: cpu_model" bj compare "$dir/base.json" "$dir/other.json" --allow-different cpu_model
check "an unknown key" 2 "no such key; there are: arch" bj compare "$dir/base.json" "$dir/other.json" --allow-different cpu
check "a file that is no record" 2 "not valid JSON" bj compare "$dir/base.json" tests/shapes/tiny-llama.ini
check "one record without arms" 2 "has no two arms" bj compare "$dir/base.json"
check "gate: pass" 0 "gate: pass" bj gate --baseline "$dir/base.json" "$dir/same.json"
check "gate: regress, and every output" 1 "gate: regress" bj gate --baseline "$dir/base.json" "$dir/slow.json" --markdown "$dir/pr.md" \
    --junit "$dir/junit.xml" --json "$dir/gate.json" --annotations "$dir/notes" --benchmark-action "$dir/bench.json"
check "the outputs are there" 0 "gate.json:" grep -c "125m/i2_s" "$dir/pr.md" "$dir/junit.xml" "$dir/notes" "$dir/bench.json" "$dir/gate.json"
check "gate refuses unlike machines" 2 "cpu_model" bj gate --baseline "$dir/base.json" "$dir/other.json"
check "a gate that is not there" 2 "no such gate" bj gate -c nonsense --baseline "$dir/base.json" "$dir/same.json"
check "an output that cannot be written" 1 "No such file" bj gate --baseline "$dir/base.json" "$dir/same.json" --json "$dir/no/file"
check "gate without a baseline" 2 "--baseline BASE and one NEW record, or" bj gate "$dir/base.json"

# Two programs in one job: a short run of the trained model, wide tolerances, since other tests share the cores
cat >"$dir/suite.ini" <<'INI'
[matrix]
models = tests/golden/kjv-tiny-f16.gguf
formats = i2_s
threads = 1
gen = 8
[measure]
block_s = 0.02
rounds = 6
INI
cat >"$dir/gate.ini" <<INI
[gate]
inconclusive = warn
[ab]
suite = $dir/suite.ini
[metric tokens_per_s]
tolerance = 900%
[metric bytes_per_token]
tolerance = 0%
[metric binary_bytes]
tolerance = 0%
INI
check "gate --ab without a program" 2 "--ab '$dir/none': No such file" bj gate -c "$dir/gate.ini" --ab "$dir/none" "$BITJOULE"
if [ ${#RUN_CMD[@]} -gt 0 ]; then
    skip "gate --ab of a program with itself" "an emulated program cannot start another"
else
    # pass; or inconclusive (a warning here) where the build has sanitizers or the machine no quiet
    check "gate --ab of a program with itself" 0 ": 0 regress, 0 improve, " bj gate -c "$dir/gate.ini" --ab "$BITJOULE" "$BITJOULE" -o "$dir/ab"
fi
# tests/slowed/README.md: what the linker wraps there has to be what decode calls, or the slowed program is none
wrapped=$(sed -n 's/.*--wrap=\([a-z_]*\).*/\1/p' Makefile)
check "the slowed program slows decode" 0 "${wrapped:-none}(w->s" grep -F "${wrapped:-none}(" harness/wl_decode.c
check "gate --ab without anything to run" 2 "--ab needs a gate file (-c) with 'suite' in [ab]" bj gate --ab "$BITJOULE" "$BITJOULE"
echo "1..$n"
