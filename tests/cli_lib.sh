# Shared by the tests that call the program as a user does; a script sources it from the root of the tree and prints its plan itself.
#
# Gives: $dir, a folder that goes away at the end together with the processes in $drivers; bj and capture to run the program; ok and skip
# for a test each; small conditions for ok. Environment: BITJOULE = the program, RUN = what runs it (an emulator; may be empty).
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

# nap SECONDS: waits without a process of its own; nothing is ever written to this pipe
mkfifo "$dir/never" && exec 9<>"$dir/never"
nap() { read -rt "$1" -u 9; }
