#!/usr/bin/env bash
# `bitjoule report` as a user calls it: files that appear, links that hold, no request to the outside, exit statuses. Prints TAP.
set -u
. tests/cli_lib.sh
echo 1..11

report() { capture bj report "$@"; }

status() { [ "$rc" -eq "$1" ]; }
files() { local f; for f in "$@"; do [ -s "$dir/run/$f" ] || { echo "# missing: $f"; return 1; }; done; }
refused() { status 2 && [ ! -s "$dir/out" ] && one_line && has "$1" err; }

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
ok "no such record: one line, status 2" refused "$dir/none"
echo '{"schema": 99}' >"$dir/new.json"
report "$dir/new.json" -o "$dir/run"
ok "unknown schema: one line, status 2" refused "schema 99 is unknown"
report "$dir/run"
ok "no -o: one line, status 2" refused "no -o DIR"

mkdir "$dir/later"
sed 's/"id":"5eed0001"/"id":"5eed0002"/' tests/fixtures/report_quick.json >"$dir/later/results.json"
report "$dir/run" "$dir/later" -o "$dir/both" --gate baseline --no-png
ok "two runs are compared and judged" status 0
ok "the report shows it" grep -q "Gate baseline, run 2 against run 1: " "$dir/both/report.md"
