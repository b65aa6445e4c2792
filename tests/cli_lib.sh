# Shared by the tests that call the program as a user does; a script sources it from the root of the tree and prints its plan itself.
#
# Gives: $dir, a folder that goes away at the end together with the processes in $drivers; bj and capture to run the program; ok, check and skip
# for a test each; small conditions for ok; made_record. Environment: BITJOULE = the program, RUN = what runs it (an emulator; may be empty).
# shellcheck shell=bash
BITJOULE=${BITJOULE:-build/bitjoule}
read -r -a RUN_CMD <<<"${RUN:-}"
dir=$(mktemp -d "/tmp/bitjoule-$(basename "$0" .sh)-XXXXXX")
drivers=
# shellcheck disable=SC2086
trap '[ -n "$drivers" ] && kill $drivers 2>/dev/null; rm -rf "$dir"' EXIT
n=0
rc=

bj() { "${RUN_CMD[@]}" "$BITJOULE" "$@"; }

# capture COMMAND...: status in $rc, output in $dir/out and $dir/err
capture() {
    "$@" >"$dir/out" 2>"$dir/err"
    rc=$?
}

# ok NAME COMMAND...: one test; on failure shows what the last run printed
ok() {
    local name=$1
    shift
    n=$((n + 1))
    if "$@"; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        echo "# exit status $rc"
        sed 's/^/# /' "$dir/out" "$dir/err" | head -60
    fi
}
# check NAME STATUS TEXT COMMAND...: one test of a run's exit status and of a text in what it printed
check() {
    local name=$1 want=$2 text=$3
    shift 3
    capture "$@"
    ok "$name" eval '[ "$rc" = "$want" ] && { has "$text" out || has "$text" err; }'
}
skip() { # NAME REASON
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

is() { [ "$1" = "$2" ]; }
has() { grep -qF -- "$1" "$dir/$2"; }
one_line() { [ "$(wc -l <"$dir/err")" -eq 1 ]; }
calc() { awk "BEGIN { exit !($1) }"; }
# value of a metric in a file of JSON
metric_of() { grep -A1 "\"name\": \"$2\"" "$1" | sed -n 's/.*"value": \([^,]*\),.*/\1/p'; }

# made_record FILE DAY SECONDS [CPU [TEST]]: a record of one cell that never was measured, with ten repetitions around SECONDS
made_record() {
    mkdir -p "$(dirname "$1")"
    awk -v day="$2" -v s="$3" -v cpu="${4:-Synthetic CPU}" -v test="${5:-tg32}" 'BEGIN {
        printf "{\"schema\": 1, \"tool\": {\"version\": \"0.1.0\", \"commit\": \"c%d\", \"dirty\": false},", day
        printf "\"run\": {\"id\": \"a%02d\", \"seed\": 1, \"started_utc\": \"2026-01-%02dT00:00:00Z\",", day, day
        printf "\"ended_utc\": \"2026-01-%02dT01:00:00Z\", \"duration_s\": 60},", day
        printf "\"host\": {\"arch\": \"x86_64\", \"cpu_model\": \"%s\", \"kernel\": \"Linux 6.1\"}, \"build\": {}, \"inputs\": [],", cpu
        printf "\"warnings\": [{\"severity\": \"info\", \"check\": \"x\", \"message\": \"y\"}],"
        printf "\"cells\": [{\"id\": \"125m/i2_s/q6_k/t1/%s/d0/b1\", \"model\": \"125m\", \"format\": \"i2_s\", \"test\": \"%s\",", test, test
        printf "\"threads\": 1, \"status\": \"ok\", \"reason\": null, \"work\": {\"tokens\": 32, \"bytes\": 3200},"
        printf "\"output_sha256\": \"ab\", \"repetitions\": 10, \"metrics\": [], \"samples_s\": ["
        for (i = 0; i < 10; i++)
            printf "%s%.6f", (i ? ", " : ""), s * (1 + 0.002 * ((i * 7 + day) % 10 - 4.5))
        print "]}]}"
    }' >"$1"
}

# nap SECONDS: waits without a process of its own; nothing is ever written to this pipe
mkfifo "$dir/never" && exec 9<>"$dir/never"
nap() { read -rt "$1" -u 9; }
