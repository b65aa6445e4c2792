#!/bin/bash
# Blocks in which the CPU was slowed down are void, are repeated and stay in the record: `bench` on a simulated sysfs whose throttle
# counts, and then its clock's limit, move until the first block that met it is in the stream. Prints TAP.
set -u
. tests/cli_lib.sh

model=tests/golden/kjv-tiny-f16.gguf
cpu=$dir/sys/devices/system/cpu
mkdir -p "$cpu/cpu0/thermal_throttle" "$cpu/cpufreq/policy0"
echo 0-1 >"$cpu/present"
echo 7 >"$cpu/cpu0/thermal_throttle/core_throttle_count"
echo 3 >"$cpu/cpu0/thermal_throttle/package_throttle_count"
echo 3000000 >"$cpu/cpufreq/policy0/scaling_max_freq"

# disturb FILE FIRST STEP TEXT RUN: FILE counts on by STEP from FIRST until the stream of RUN has a block that is void for TEXT
disturb() {
    local n=$2
    while [ -d "$dir" ] && ! grep -qs "\"void\": *\"$4" "$dir/$5/results.jsonl"; do
        n=$((n + $3))
        printf '%08d\n' "$n" 1<>"$1"
        nap 0.002
    done
}
bench() { # RUN: two rounds of one cell
    capture bj bench -m $model -f i2_s -t 1 -p 0 -n 4 -r 2 --block 0.05 --counters none --sysfs "$dir/sys" -o "$dir/$1" --no-report
}
voids() { grep -c '"void": "'"$2" "$dir/$1/results.json"; }
good() { grep -c '"void": null' "$dir/$1/results.json"; }

disturb "$cpu/cpu0/thermal_throttle/core_throttle_count" 100000 1 "the CPU was slowed down for heat" heat &
drivers=$!
bench heat
wait $drivers
drivers=
ok "heat: exit status 0" is "$rc" 0
ok "heat: the block is void with the reason ($(voids heat 'the CPU was slowed down'))" calc "$(voids heat 'the CPU was slowed down') >= 1"
ok "heat: is in the stream, too" grep -q '"void": *"the CPU was slowed down for heat [0-9]* times' "$dir/heat/results.jsonl"
ok "heat: and was repeated: each round has a block that counts ($(good heat))" calc "$(good heat) >= 2"
ok "heat: the cell is ok" grep -q '"status": "ok"' "$dir/heat/results.json"

disturb "$cpu/cpufreq/policy0/scaling_max_freq" 1000000 1000 "the limit of the clock moved" cap &
drivers=$!
bench cap
wait $drivers
drivers=
ok "limit: the block is void with the reason ($(voids cap 'the limit of the clock moved'))" \
    calc "$(voids cap 'the limit of the clock moved') >= 1"
ok "limit: and was repeated ($(good cap))" calc "$(good cap) >= 2"

bench still
ok "counts that stand still void nothing" is "$(voids still 'the CPU was slowed')$(voids still 'the limit of the clock')" 00
ok "and are metrics of the cell" grep -A1 '"name": "thermal_throttles"' "$dir/still/results.json"
ok "with the value 0" eval "grep -A1 '\"name\": \"thermal_throttles\"' \"\$dir/still/results.json\" | grep -qE '\"value\": 0(\.0)?,'"
echo "1..$n"
