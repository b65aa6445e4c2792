#!/usr/bin/env bash
# `bitjoule report` as a user calls it: files that appear, links that hold, no request to the outside, exit statuses. Prints TAP.
#
# Environment: BITJOULE = the program, RUN = what runs it (an emulator; may be empty).
set -u
BITJOULE=${BITJOULE:-build/bitjoule}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
echo 1..9

# shellcheck disable=SC2086 # RUN is a command with its arguments, or nothing
report() {
    $RUN "$BITJOULE" report "$@" >"$dir/out" 2>"$dir/err"
    rc=$?
}
RUN=${RUN:-}

ok() { # NAME COMMAND...
    local name=$1
    shift
    n=$((n + 1))
    if "$@"; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        echo "# exit status $rc"
        sed 's/^/# /' "$dir/out" "$dir/err"
    fi
}
status() { [ "$rc" -eq "$1" ]; }
files() { local f; for f in "$@"; do [ -s "$dir/run/$f" ] || { echo "# missing: $f"; return 1; }; done; }
one_line() { status 2 && [ ! -s "$dir/out" ] && [ "$(wc -l <"$dir/err")" -eq 1 ] && grep -qF -- "$1" "$dir/err"; }

# every relative link and picture of report.md is a file, results.json among them
links_hold() {
    local target
    grep -oE '\]\([^)]*\)' "$dir/run/report.md" | tr -d '])(' >"$dir/links"
    grep -qx results.json "$dir/links" || return 1
    while read -r target; do
        [ -s "$dir/run/$target" ] || { echo "# dead link: $target"; return 1; }
    done <"$dir/links"
}
# nothing that a browser would fetch; the names of XML namespaces are no addresses to it
fetches_nothing() {
    ! grep -oiE '(src|srcset|action|data|poster) *=|<(link|script|iframe|object|embed|img)|@import|url\([^#)]|href=.(https?:|//)' "$dir/run/report.html"
}

mkdir "$dir/run"
cp tests/fixtures/report_quick.json "$dir/run/results.json"
report "$dir/run" -o "$dir/run"
ok "a record's own directory" status 0
ok "all parts are written" files report.md report.html results.csv plots/memory.tsv plots/memory.gp
ok "every link of report.md leads to a file" links_hold
ok "report.html fetches nothing" fetches_nothing
if command -v gnuplot >/dev/null; then
    ok "plots as SVG and PNG" files plots/{throughput-pp128,throughput-tg32,speedup-pp128,speedup-tg32,memory,latency-tg32}.{svg,png}
else
    n=$((n + 1))
    echo "ok $n - plots as SVG and PNG # SKIP no gnuplot"
fi
cp "$dir/run/report.md" "$dir/first.md"
report "$dir/run/results.json" -o "$dir/run"
ok "a second report of the same record is the same" cmp -s "$dir/first.md" "$dir/run/report.md"

report "$dir/none" -o "$dir/run"
ok "no such record: one line, status 2" one_line "$dir/none"
echo '{"schema": 99}' >"$dir/new.json"
report "$dir/new.json" -o "$dir/run"
ok "unknown schema: one line, status 2" one_line "schema 99 is unknown"
report "$dir/run"
ok "no -o: one line, status 2" one_line "no -o DIR"
