#!/usr/bin/env bash
# `bitjoule history` and `bitjoule merge` as a user calls them, on records that are made here.
set -u
. tests/cli_lib.sh
h() { bj history --db "$dir/h.sqlite" "$@"; }

for k in 1 2 3 4 5 6 7 8; do made_record "$dir/run$k/results.json" "$k" "0.20$((k % 3))"; done
for k in 9 10 11 12 13 14 15 16; do made_record "$dir/run$k/results.json" "$k" "0.22$((k % 3))"; done
check "add" 0 "run1: added" h add "$dir/run1"
check "add it again" 0 "run1: is there already" h add "$dir/run1"
h add "$dir"/run[2-8] >/dev/null
check "no step in eight runs" 0 "2026-01-08" h show --check
check "add the rest" 0 "run16: added" h add "$dir"/run9 "$dir"/run1[0-6]
check "list" 0 "c16" h list
check "the step is found where it is" 0 "c9  145.45" h show
check "and it is for the worse" 1 "1 steps for the worse" h show --check
check "JSON has it" 0 '"accepted": null' h show --json
check "a mark accepts it" 0 "a09: accepted" h mark a09 "the new kernel is exact"
check "then there is none" 0 "accepted: the new kernel is exact" h show --check
check "a run that is not there" 2 "0 runs have an id that begins with 'zz'" h mark zz x
check "no record" 2 "give the folder of a finished run" h add "$dir/none"
made_record "$dir/shard/results.json" 20 0.2 "Synthetic CPU" pp128
check "merge of shards of one machine" 0 "2 records of 1 machine" bj merge "$dir/run1" "$dir/shard" -o "$dir/m1"
check "two runs of the same cell are no shards" 2 "has a cell that another record" bj merge "$dir/run1" "$dir/run2" -o "$dir/m2"
check "unless they are nodes of a fleet" 0 "2 records of 2 machines" bj merge --fleet "$dir/run1" "$dir/run2" -o "$dir/m4"
check "whose cells are called by their folders" 0 "125m/i2_s/q6_k/t1/tg32/d0/b1@run2" cat "$dir/m4/results.json"
made_record "$dir/other/results.json" 21 0.1 "Another CPU"
check "merge of two machines" 0 "2 records of 2 machines" bj merge "$dir/run1" "$dir/other" -o "$dir/m3"
check "the report puts them side by side" 0 "125m@other" bash -c "${RUN_CMD[*]} $BITJOULE report $dir/m3 -o $dir/m3 >/dev/null 2>&1; cat $dir/m3/report.md"
echo "1..$n"
