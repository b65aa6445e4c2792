#!/bin/bash
# The commands `energy` and `doctor` from outside: output, exit status, signals, bad input. Prints TAP.
#
# A background loop plays a RAPL counter: 50 W on a small range, so that it wraps inside the measured second.
# Environment: BITJOULE = the program, RUN = what runs it (an emulator; may be empty).
set -u
BITJOULE=${BITJOULE:-build/bitjoule}
read -r -a RUN_CMD <<<"${RUN:-}"
dir=$(mktemp -d /tmp/bitjoule-energy-XXXXXX)
driver=
trap '[ -n "$driver" ] && kill "$driver" 2>/dev/null; rm -rf "$dir"' EXIT
n=0

bj() { "${RUN_CMD[@]}" "$BITJOULE" "$@"; }

# ok NAME COMMAND...: one test; on failure shows what the last run printed
ok() {
    local name=$1
    shift
    n=$((n + 1))
    if "$@"; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$dir/out" "$dir/err"
    fi
}

# run ARGS...: status in $rc, output in $dir/out and $dir/err
run() {
    bj "$@" >"$dir/out" 2>"$dir/err"
    rc=$?
}
is() { [ "$1" = "$2" ]; }
has() { grep -qF -- "$1" "$dir/$2"; }
one_line() { [ "$(wc -l <"$dir/err")" -eq 1 ]; }
# value of a metric in the JSON output
metric() { grep -A1 "\"name\": \"$1\"" "$dir/out" | sed -n 's/.*"value": \([^,]*\),.*/\1/p'; }
field() { sed -n "s/^  \"$1\": \\([^,]*\\),*\$/\\1/p" "$dir/out"; }
narrow() { [ -s "$dir/out" ] && awk 'length > 100 { bad = 1 } END { exit bad }' "$dir/out"; }
calc() { awk "BEGIN { exit !($1) }"; }

# counter at 2,980 J of 3,000 J; 50 W = 50 uJ per microsecond
tree=$dir/sys
zone=$tree/class/powercap/intel-rapl:0
mkdir -p "$zone" "$dir/empty"
echo package-0 >"$zone/name"
echo 3000000000 >"$zone/max_energy_range_uj"
play() {
    local t0=${EPOCHREALTIME/[.,]/} t
    while [ -d "$zone" ]; do
        t=${EPOCHREALTIME/[.,]/}
        printf '%020d\n' $(((2980000000 + 50 * (t - t0)) % 3000000001)) 1<>"$zone/energy_uj"
        sleep 0.01
    done
}
play &
driver=$!
sleep 0.1

run energy --sysfs "$tree" --json -- sleep 1
joules=$(metric energy_pkg_j) seconds=$(field duration_s)
ok "energy of a command: exit status 0" is "$rc" 0
ok "energy of a command: about 50 W through a wrap ($joules J in $seconds s)" \
    calc "$joules > 45 * $seconds && $joules < 55 * $seconds"
ok "energy of a command: the duration is that of the command" calc "$seconds >= 1 && $seconds < 3"
ok "energy of a command: the sum over sockets is the socket" is "$joules" "$(metric energy_pkg_j.socket0)"
ok "energy of a command: no DRAM zone, so null" is "$(metric energy_dram_j)" null
ok "energy of a command: has software counters" calc "$(metric page_faults_minor) > 0"

run energy --sysfs "$tree" -d 0.3
ok "energy of an interval: prints joules and watts" grep -Eq '^energy: [0-9.]+ J in 0\.[0-9]+ s: [0-9.]+ W' "$dir/out"
ok "energy of an interval: fits 100 columns" narrow

run energy --sysfs "$dir/empty" -- sh -c 'echo from the command; exit 7'
ok "exit status of the command is passed on" is "$rc" 7
ok "output of the command is passed on" has "from the command" out
ok "without a source: unavailable with the reason" has "energy: unavailable (no powercap tree" out
ok "without a source: fits 100 columns" narrow
run energy --sysfs "$dir/empty" --json -d 0.05
ok "without a source: null, not 0" is "$(metric energy_pkg_j)" null
run energy --sysfs "$dir/empty" -- sh -c 'kill -9 $$'
ok "a killed command gives 128 + signal" is "$rc" 137
run energy -- "$dir/no-such-program"
ok "a missing command gives 127" is "$rc" 127
ok "a missing command is named" has "no-such-program" err
run energy -- "$dir/empty"
ok "what cannot be run gives 126" is "$rc" 126

# refused TEXT ARGS...: exit status 2, one line that has TEXT, nothing on stdout
refused() {
    local text=$1
    shift
    run "$@"
    ok "refused: $*" eval "is $rc 2 && has '$text' err && one_line && [ ! -s '$dir/out' ]"
}
refused "-d" energy -d soon
refused "-d" energy -d 0
refused "-d" energy -d nan
refused "no such directory" energy --sysfs "$dir/nowhere"
refused "-d is for an interval" energy -d 1 -- true
refused "unknown option" energy --frobnicate
refused "needs a value" energy --sysfs
refused "takes no arguments" doctor extra
refused "unknown option" doctor -x
refused "no such directory" doctor --sysfs "$dir/nowhere"

"${RUN_CMD[@]}" "$BITJOULE" energy --sysfs "$tree" -d 60 >"$dir/out" 2>"$dir/err" &
victim=$!
sleep 0.7
kill -INT "$victim"
wait "$victim"
rc=$?
ok "Ctrl-C ends an interval with status 130" is "$rc" 130
ok "Ctrl-C: prints what was measured" eval "has 'energy: ' out && has interrupted out"

run doctor --sysfs "$tree"
ok "doctor: exit status 0 without --strict" is "$rc" 0
ok "doctor: fits 100 columns" narrow
ok "doctor: found the counter" grep -Eq '^  powercap +partly +energy_pkg_j' "$dir/out"
run doctor --sysfs "$dir/empty"
ok "doctor: says why there is no energy" grep -q 'energy_pkg_j.*: no powercap tree' "$dir/out"
run doctor --sysfs "$tree" --json
ok "doctor --json: has all sections" \
    eval "has '\"host\": {' out && has '\"sources\": [' out && has '\"warnings\": [' out && has '\"clock\": {' out"
ok "doctor --json: is one object" eval "is \"\$(head -n 1 '$dir/out')\" '{' && is \"\$(tail -n 1 '$dir/out')\" '}'"
fit=$(field fit)
run doctor --sysfs "$tree" --strict
ok "doctor --strict: status follows the verdict (fit: $fit)" is "$rc" "$([ "$fit" = true ] && echo 0 || echo 3)"
if grep -q '^0::' /proc/self/cgroup; then
    mkdir -p "$tree/fs/cgroup"
    echo cpu >"$tree/fs/cgroup/cgroup.controllers"
    echo 10000 100000 >"$tree/fs/cgroup/cpu.max"
    run doctor --sysfs "$tree" --strict
    ok "doctor --strict: a tenth of a CPU blocks" eval "is $rc 3 && has cgroup_cpu out"
else
    n=$((n + 1))
    echo "ok $n - doctor --strict: a tenth of a CPU blocks # SKIP no version 2 control groups here"
fi
echo "1..$n"
