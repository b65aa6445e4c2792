#!/bin/bash
# Energy sources and counters on the real paths: /sys/class/powercap, the power PMU's files and /dev/cpu/0/msr are mounted over in a namespace of
# their own, so that the program, PAPI and likwid run the code that they run on real hardware. Prints TAP.
#
# The kernel behind the mounts stays what it is: perf_event_open() of a made-up PMU fails, and must come out as a reason.
set -u
plan=13
skip_all() {
    for i in $(seq "$plan"); do
        echo "ok $i - energy on mounted paths # SKIP $1"
    done
    echo "1..$plan"
    exit 0
}
if [ "${1:-}" != inside ]; then
    [ -z "${RUN:-}" ] || skip_all "an emulator sees the host's CPU, not its own"
    [ "$(uname -m)" = x86_64 ] || skip_all "RAPL registers are x86"
    [ -d /sys/bus/event_source/devices ] && [ -d /sys/class ] || skip_all "no sysfs here"
    why=$(unshare -m --propagation private sh -c 'mount -t tmpfs none /sys/class' 2>&1) || skip_all "no mount namespace: ${why//$'\n'/ }"
    exec unshare -m --propagation private "$0" inside
fi

. tests/cli_lib.sh

run() { capture bj "$@"; }
metric() { metric_of "$dir/out" "$1"; }
counter_reason() { grep -B4 -A1 '"source": "'"$1" "$dir/out" | sed -n 's/.*"reason": "\(.*\)".*/\1/p' | head -n 1 | cut -c 1-70; }
about() { # METRIC WATTS: the energy of the window or what was kept of a void one is that power, +-5 %
    local j s
    j=$(metric "$1") s=$(sed -n 's/^  "duration_s": \([^,]*\),*$/\1/p' "$dir/out")
    [ "$j" != null ] || j=$(metric energy_void_j)
    calc "${j/null/0} > 0.95 * $2 * $s && ${j/null/0} < 1.05 * $2 * $s"
}

# 42 W in a powercap tree at its real place
mount -t tmpfs none /sys/class || exit 1
zone=/sys/class/powercap/intel-rapl:0
mkdir -p "$zone"
echo package-0 >"$zone/name"
echo 262143328850 >"$zone/max_energy_range_uj"
play() {
    chrt -f -p 1 "$BASHPID" >/dev/null 2>&1 # as root: keeps the counter going on a busy machine
    local t0=${EPOCHREALTIME/[.,]/}
    while [ -d "$dir" ]; do
        printf '%020d\n' $(((262123000000 + 42 * (${EPOCHREALTIME/[.,]/} - t0)) % 262143328851)) 1<>"$zone/energy_uj"
        nap 0.002
    done
}
play &
drivers=$!
nap 0.1
run energy --json -d 1
ok "powercap at its real place is found" has '"name": "powercap"' out
ok "powercap at its real place: 42 W through a wrap ($(metric energy_pkg_j) J)" about energy_pkg_j 42

# a power PMU of whose existence the kernel knows nothing
mount -t tmpfs none /sys/bus/event_source/devices || exit 1
pmu=/sys/bus/event_source/devices/power
mkdir -p "$pmu/events" "$pmu/format"
echo 99 >"$pmu/type"
echo 0 >"$pmu/cpumask"
echo config:0-7 >"$pmu/format/event"
echo event=0x02 >"$pmu/events/energy-pkg"
echo Joules >"$pmu/events/energy-pkg.unit"
echo 2.3283064365386962890625e-10 >"$pmu/events/energy-pkg.scale"
run energy --source perf --json -d 0.1
ok "perf: the kernel's refusal is the reason" eval "[ \$(metric energy_pkg_j) = null ] && has 'power/energy-pkg/ cpu0: ' out"
run energy --json -d 0.3
ok "perf fails, so powercap is taken" has '"source": "powercap intel-rapl:0"' out
run energy --source papi --json -d 0.1
ok "papi: refusal with a reason, no crash ($(grep -o '"reason": "[^"]*' "$dir/out" | head -n 1 | cut -c 12-70))" \
    eval "[ $rc = 0 ] && [ \$(metric energy_pkg_j) = null ] && ! has 'points at another tree' out"

# counters through PAPI: its own code says what this kernel lacks, or counts
says_or_counts() { # BACKEND: exit status 0, it is there, and what is unavailable has a reason
    [ "$rc" = 0 ] && grep -q '"source": "'"$1" "$dir/out" && ! grep -A2 '"status": "unavailable"' "$dir/out" | grep -q '"reason": null'
}
run energy --counters papi --json -- true
ok "papi counters: numbers or a reason, no crash ($(counter_reason papi))" says_or_counts papi
run energy --counters papi --counter-group basic,cache --json -- true
ok "papi counters: a second group has its reason" \
    eval "[ $rc = 0 ] && { has '\"source\": \"papi papi/cache' out || has 'without PAPI' out || has 'is not installed' out; }"

# the registers of either vendor in one sparse file: 2^-16 J, 20 W
if [ ! -d /dev/cpu ] || ! mount -t tmpfs none /dev/cpu; then
    for what in "msr is found" "msr: 20 W" "likwid: an answer or a reason" "likwid does not end the program" \
        "likwid counters: numbers or a reason, no crash" "likwid counters: a group that it does not have"; do
        n=$((n + 1))
        echo "ok $n - $what # SKIP there is no /dev/cpu to mount over"
    done
    echo "1..$n"
    exit 0
fi
for ((cpu = 0; cpu < $(nproc); cpu++)); do
    mkdir -p "/dev/cpu/$cpu"
    ln -sf ../msr "/dev/cpu/$cpu/msr"
done
put() { # ADDRESS NUMBER: 8 bytes, lowest first
    local bytes
    printf -v bytes '\\x%02x' $(($2 & 255)) $(($2 >> 8 & 255)) $(($2 >> 16 & 255)) $(($2 >> 24 & 255))
    # shellcheck disable=SC2059
    printf "$bytes\0\0\0\0" | dd of=/dev/cpu/msr bs=8 oflag=seek_bytes seek=$(($1)) conv=notrunc status=none
}
put 0x606 $((16 << 8))
put 0xc0010299 $((16 << 8))
count() {
    chrt -f -p 1 "$BASHPID" >/dev/null 2>&1
    local t0=${EPOCHREALTIME/[.,]/} c
    while [ -d "$dir" ]; do # until the folder goes
        c=$(((4294967000 + 20 * 65536 * (${EPOCHREALTIME/[.,]/} - t0) / 1000000) & 4294967295))
        put 0x611 $c
        put 0xc001029b $c
    done
}
count &
drivers="$drivers $!"
sleep 0.3
run energy --source msr --json -d 2
ok "msr is found" has '"name": "msr"' out
ok "msr: 20 W through a wrap ($(metric energy_pkg_j) J)" about energy_pkg_j 20
run energy --source likwid --json -d 1
why=$(grep -A6 '"name": "energy_pkg_j"' "$dir/out" | sed -n 's/.*"reason": "\(.*\)".*/\1/p' | head -n 1)
if [ "$(metric energy_pkg_j)" != null ] || [ "$(metric energy_void_j)" ]; then
    ok "likwid: 20 W ($(metric energy_pkg_j) J)" about energy_pkg_j 20
else
    ok "likwid: a reason of its own (${why:0:80})" eval "[[ \$why == *likwid* ]]"
fi
ok "likwid does not end the program" [ "$rc" = 0 ]
# registers that a file plays hold what likwid writes there: it must come back, with whatever it read
run energy --counters likwid --json -- true
ok "likwid counters: numbers or a reason, no crash ($(counter_reason likwid))" says_or_counts likwid
run energy --counters likwid --counter-group NOSUCH --json -- true
ok "likwid counters: a group that it does not have has a reason ($(counter_reason likwid))" \
    eval "[ $rc = 0 ] && [ -n \"$(counter_reason likwid)\" ] && ! grep -A1 '\"name\": \"likwid_' '$dir/out'"
echo "1..$n"
