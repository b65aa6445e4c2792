#!/usr/bin/env bash
# `bitjoule claims` as a user calls it, with the registry that is shipped. Prints TAP.
set -u
. tests/cli_lib.sh
echo 1..6

quick=tests/fixtures/report_quick.json
capture bj claims "$quick"
has() { grep -qF -- "$2" "$dir/$1"; }
status() { [ "$rc" -eq "$1" ]; }
refused() { [ "$rc" -eq 2 ] && [ "$(wc -l <"$dir/err")" -eq 1 ] && grep -qF -- "$1" "$dir/err"; }
ok "claims that do not hold: status 1" status 1
ok "verdicts with numbers" has out "does not hold (measured 3.06 [3.00, 3.10], needed 3.88)"
cp "$dir/out" "$dir/first"
capture bj claims "$quick"
ok "the same record gives the same bytes" cmp -s "$dir/first" "$dir/out"
capture bj claims "$quick" --only ft-bits
ok "a selection that holds: status 0" status 0
capture bj claims "$quick" --json --only 100b-reading-speed
json_says() { grep -qF '"verdict": "not testable here"' "$dir/out" && grep -qF '"ceiling": 1.' "$dir/out"; }
ok "JSON with the ceiling of this machine" json_says
capture bj claims "$quick" --claims "$dir"
ok "no registry: one line, status 2" refused "the claims are missing"
