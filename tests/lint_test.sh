#!/usr/bin/env bash
# The lint's own test: a small tree with one violation of each kind, which tests/lint.sh must find, and a clean one, which it
# must not complain about.
set -u
unset BUILD LINT_FLAGS LINT_ISA_FLAGS
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
lint=$PWD/tests/lint.sh
n=0
plan=26

fresh() { # a clean tree
    rm -rf "${dir:?}/t"
    mkdir -p "$dir/t/"{kernels/x86,engine,harness,reports,profiles}
    cd "$dir/t" || exit 1
    printf '/* strcpy("in a comment") is not a call */\n#include <stdint.h>\nextern int32_t low;\n' >kernels/low.h
    printf '#include "kernels/low.h"\n\nint32_t low = sizeof "strcpy(";\n' >kernels/low.c
    printf '#include "kernels/low.h"\nint high(void);\n' >engine/high.h
    printf '#include "engine/high.h"\n\nint high(void)\n{\n    return low;\n}\n' >engine/high.c
    touch {kernels,engine,harness,reports,profiles}/README.md
}

result() { # NAME PROBLEM
    n=$((n + 1))
    if [ -z "$2" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1: $2"
        sed 's/^/# /' <<<"$out"
    fi
}

clean() { # NAME CHECK: no finding
    local problem=
    out=$(LINT_ROOT=. bash "$lint" "$2" 2>&1) || problem="exit status $?"
    [ "$(tail -n 1 <<<"$out")" = "lint: 0 findings" ] || problem="has findings"
    result "$1" "$problem"
}

finds() { # NAME CHECK TEXT: one finding, with this text in it, and exit status 1
    local problem="" status
    out=$(LINT_ROOT=. bash "$lint" "$2" 2>&1)
    status=$?
    [ "$status" = 1 ] || problem="exit status $status, not 1"
    [[ "$out" == *"$3"* ]] || problem="nowhere '$3'"
    [ "$(tail -n 1 <<<"$out")" = "lint: 1 findings" ] || problem="not one finding"
    result "$1" "$problem"
}

echo "1..$plan"
fresh
clean "a clean tree: includes" includes
clean "a clean tree: names" names
clean "a clean tree: banned" banned
clean "a clean tree: layout" layout
clean "a clean tree: readmes" readmes

echo '#include "engine/high.h"' >>kernels/low.c
finds "an include that points up" includes 'kernels/low.c:4: kernels/ may include only itself, not "engine/high.h"'
fresh
echo '#include "low.h"' >>kernels/low.c
finds "an include without its folder" includes 'kernels/low.c:4: "low.h": write the path'
fresh
echo '#include <jansson.h>' >>kernels/low.c
finds "a library in a kernel" includes 'kernels/low.c:4: kernels/ may not include <jansson.h>'
fresh
printf '#include "reports/report_cmds.h"\n' >harness/main.c
clean "main.c sees the commands of a folder" includes
mv harness/main.c harness/other.c
finds "another file does not" includes 'harness/other.c:1: harness/ may include engine profiles kernels, not "reports/report_cmds.h"'

fresh
printf '#include "harness/stats_rank.h"\n' >reports/verdict.c
clean "reports see the statistics" includes
printf '#include "harness/record.h"\n' >reports/verdict.c
finds "and nothing else of the harness" includes 'reports/verdict.c:1: reports/ may include only itself, not "harness/record.h"'

fresh
touch kernels/x86/high.c
finds "one file name twice" names 'kernels/x86/high.c:1: the same file name as engine/high.c'
fresh
touch kernels/high_x.c engine/high_x.h
finds "one stem in two folders" names 'has a C file of that name too'

fresh
echo 'void f(char *d) { strcpy(d, ""); }' >>engine/high.c
finds "a banned function" banned 'engine/high.c:7: banned function strcpy()'
fresh
echo 'void f(void) { exit(1); }' >>engine/high.c
finds "a library that exits" banned 'engine/high.c:7: a library returns an error'
mv engine/high.c engine/cmd_high.c
clean "a command may exit" banned
fresh
printf 'CFLAGS = -O2 -ff%s\n' ast-math >Makefile
finds "a flag that changes results" banned 'Makefile:1: flag that gives other results'
fresh
echo '#pragma GCC optimize("O3")' >>kernels/low.c
finds "a pragma that changes flags" banned 'kernels/low.c:4: optimisation and contraction'

fresh
printf 'int tab;\t/* x */\n' >>kernels/low.c
finds "a tab" layout 'kernels/low.c:4: tab'
fresh
yes '' | head -n 701 >kernels/long.c
finds "a file of 701 lines" layout 'kernels/long.c:701: more than 700 lines'
yes '' | head -n 501 >kernels/long.c
clean "a file of 501 lines is a warning only" layout
fresh
rm engine/README.md
finds "a folder without README" readmes 'engine/README.md:1: missing'

for tool in clang clang-tidy cppcheck; do
    if ! command -v $tool >/dev/null; then
        n=$((n + 1))
        echo "ok $n - $tool # SKIP $tool is not installed (.ci/deps lint)"
        continue
    fi
    fresh
    case $tool in
    clang)
        printf 'uint8_t missing_include(void);\n' >engine/bare.h
        out=$(LINT_ROOT=. bash "$lint" headers 2>&1)
        [ "$(grep -c '^engine/bare.h:1: does not compile alone with' <<<"$out")/$(tail -n 1 <<<"$out")" = "2/lint: 2 findings" ]
        result "a header that does not compile alone, with both compilers" "$( (($? == 0)) || echo 'not two findings')"
        ;;
    clang-tidy)
        cp "${lint%/tests/lint.sh}/.clang-tidy" .
        printf 'int f(int x);\nint f(int x)\n{\n    if (x > 0);\n        x = 1;\n    return x;\n}\n' >engine/odd.c
        mkdir build
        printf '[{"directory": "%s", "file": "engine/odd.c", "command": "gcc -c engine/odd.c"}]\n' "$PWD" >build/compile_commands.json
        finds "clang-tidy runs" tidy 'bugprone-suspicious-semicolon'
        ;;
    cppcheck)
        printf 'int f(void);\nint f(void)\n{\n    int a[2] = {0, 0};\n    return a[2];\n}\n' >engine/odd.c
        finds "cppcheck runs" cppcheck '[arrayIndexOutOfBounds]'
        ;;
    esac
done
