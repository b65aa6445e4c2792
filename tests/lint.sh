#!/usr/bin/env bash
# Checks what a compiler does not.  tests/lint.sh [CHECK]...   (all of them without arguments)
#
#   includes   the include rule: a folder includes only its own headers and those of the folders below it (`may_include`)
#   names      file names are unique in the whole tree, so that a name says where it is
#   headers    every header compiles on its own, with gcc and with clang
#   banned     functions and compiler flags that are not used here
#   layout     no tabs, no blanks at line ends, C lines of 132 characters, 140 at most, files up to 700 lines (above 500: a warning)
#   readmes    every folder has a README.md
#   tidy       clang-tidy, with .clang-tidy
#   cppcheck   cppcheck
#
# Each finding is one line FILE:LINE: TEXT; the exit status is 1 when there is one. LINT_ROOT is the tree to look at (its
# own test points it at a made-up one). The compiler flags come from the Makefile: LINT_FLAGS, LINT_ISA_FLAGS, BUILD.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${LINT_ROOT:-.}" || exit 2
: "${BUILD:=build}" "${LINT_FLAGS:=-D_GNU_SOURCE -I. -std=c11}" "${LINT_ISA_FLAGS:=}"
folders=(kernels baselines engine profiles harness reports)
findings=0

# The tree is the architecture: arrows point down only. Everything may include itself; tests/ may include anything.
declare -A may_include=(
    [kernels]=""
    [baselines]="kernels"
    [engine]="kernels baselines"
    [profiles]=""
    [harness]="engine profiles kernels"
    [reports]=""
)
# Headers of libraries that only some folders may see: FOLDERS that may, for a pattern of <...>
library_rule() { # HEADER: prints the folders
    case $1 in
    papi.h | likwid*.h | perfmon/*) echo "profiles" ;;
    jansson.h | ini.h | openssl/* | sqlite3.h | pcre2.h | hwloc.h | hwloc/*) echo "engine profiles harness reports" ;;
    *) echo "${folders[*]}" ;;
    esac
}

# files NAME-PATTERN...: the sources of the tree, generated and hidden ones left out
files() {
    local expr=() p
    for p in "$@"; do
        expr+=(-o -name "$p")
    done
    find . \( -name '.?*' -o -path ./build -o -path './build-*' -o -path ./out -o -path "./$BUILD" \) -prune -o \
        -type f \( "${expr[@]:1}" \) -print | sed 's|^\./||' | sort
}

report() { # reads findings, one a line
    local line
    while IFS= read -r line; do
        [ -n "$line" ] || continue
        echo "$line"
        findings=$((findings + 1))
    done
}

code() { # [-v strings=1] PATTERN...: the code of these files, as FILE:LINE:TEXT
    local option=()
    if [ "$1" = -v ]; then
        option=("$1" "$2")
        shift 2
    fi
    files "$@" | xargs -r awk "${option[@]}" -f "$here/code.awk"
}

contains() { # WORD LIST
    [[ " $2 " == *" $1 "* ]]
}

includes_findings() {
    local file line text folder kind path to
    while IFS=: read -r file line text; do
        [[ "$text" =~ ^[[:space:]]*\#[[:space:]]*include[[:space:]]*([\<\"])([^\>\"]+) ]] || continue
        kind=${BASH_REMATCH[1]} path=${BASH_REMATCH[2]}
        folder=${file%%/*} to=${path%%/*}
        contains "$folder" "${folders[*]}" || continue
        if [ "$kind" = "<" ]; then
            contains "$folder" "$(library_rule "$path")" || echo "$file:$line: $folder/ may not include <$path>"
        elif [ "$to" = "$path" ] || [[ "$path" == *..* ]]; then
            echo "$file:$line: \"$path\": write the path from the root of the tree"
        elif [ "$file" = harness/main.c ] && [[ "$path" == */*_cmds.h ]]; then
            : # main.c alone sees the commands of every folder
        elif [ "$folder" = reports ] && [[ "$path" == harness/stats*.h ]]; then
            : # pure functions of numbers: a verdict needs the same statistics as the record
        elif [ "$folder" = reports ] && [ "$path" = engine/config_path.h ]; then
            : # where configs/ is: the claims are data
        elif [ "$to" != "$folder" ] && ! contains "$to" "${may_include[$folder]}"; then
            echo "$file:$line: $folder/ may include ${may_include[$folder]:-only itself}, not \"$path\""
        fi
    done < <(code -v strings=1 '*.c' '*.h' | grep -E '^[^:]+:[0-9]+:[[:space:]]*#[[:space:]]*include')
}

# A .c and the .h of the same folder share a stem; apart from that a stem of C files occurs once
names_findings() {
    files '*' | awk '{
        n = split($0, part, "/")
        name = part[n]
        if (name == "README.md")
            next
        if (name in seen) {
            print $0 ":1: the same file name as " seen[name]
            next
        }
        seen[name] = $0
        if (name ~ /\.[ch]$/) {
            stem = name; sub(/\..*/, "", stem)
            dir = $0; sub(/[^\/]*$/, "", dir)
            if (stem in home && home[stem] != dir)
                print $0 ":1: " home[stem] " has a C file of that name too"
            home[stem] = dir
        }
    }'
}

headers_findings() {
    local header isa cc
    for header in $(files '*.h'); do
        isa=
        case $header in
        */arm/*) [ "$(uname -m)" = aarch64 ] || continue ;;& # compiled by the ARM build only
        */x86/*) [ "$(uname -m)" = x86_64 ] || continue ;;&
        */arm/* | */x86/*) isa=$LINT_ISA_FLAGS ;;
        esac
        for cc in gcc clang; do
            printf '%s %s %s\n' "$header" "$cc" "$LINT_FLAGS${isa:+ $isa}" # no blank at the end: it joins lines
        done
    done | xargs -r -P "$(nproc)" -L 1 sh -c 'header=$1 cc=$2; shift 2
        out=$(printf "#include \"%s\"\n" "$header" | "$cc" "$@" -Werror -fsyntax-only -x c - 2>&1) ||
            printf "%s:1: does not compile alone with %s: %s\n" "$header" "$cc" "$(printf %s "$out" | grep -m1 error)"' sh | sort
}

# Banned everywhere: no bounds, hidden state shared by threads, no error result, a stack without limit, or not reproducible
banned='gets|strcpy|strcat|stpcpy|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|alloca|system|popen|tmpnam|tempnam|mktemp'
banned+='|rand|srand|random|srandom|drand48|srand48|asctime|ctime|gmtime|localtime'
# Only programs exit: not in the libraries, apart from their command files
exits='exit|_exit|_Exit|quick_exit|abort'
# Pieces, so that this file does not find itself
flags='-ff''ast-math|-Of''ast|-march=na''tive|-mtune=na''tive|-funsafe-''math'

banned_findings() {
    code '*.c' '*.h' | grep -E "[^a-zA-Z0-9_.>]($banned)[[:space:]]*\(" | sed -E "s/^([^:]*:[0-9]+):.*[^a-zA-Z0-9_]($banned)[[:space:]]*\(.*/\1: banned function \2()/"
    code '*.c' '*.h' | grep -E '^(kernels|baselines|engine|profiles|reports)/' | grep -Ev '^[a-z/]*/cmd_[a-z0-9_]*\.c:' |
        grep -E "[^a-zA-Z0-9_.>]($exits)[[:space:]]*\(" | sed -E 's/^([^:]*:[0-9]+):.*/\1: a library returns an error, only programs exit/'
    code '*.c' '*.h' | grep -E '#[[:space:]]*pragma[[:space:]]+(GCC[[:space:]]+optimize|STDC[[:space:]]+FP_CONTRACT[[:space:]]+ON)|optimize[[:space:]]*\(' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: optimisation and contraction are set in the Makefile, for all files alike/'
    { files 'Makefile' '*.mk' '*.sh' '*.c' '*.h' && find .ci -type f 2>/dev/null; } | xargs -r grep -nE -e "$flags" |
        grep -vE '^[^:]*:[0-9]+:[[:space:]]*(#|/?\*|//)' | sed -E 's/^([^:]*:[0-9]+):.*/\1: flag that gives other results on other machines/'
}

layout_findings() {
    { files '*.c' '*.h' '*.sh' '*.awk' 'Makefile' && find .ci -type f 2>/dev/null; } | xargs -r awk '
        FNR == 1 { if (file != "") size(); file = FILENAME; long = 0 }
        { lines = FNR }
        /[ \t]$/ { print FILENAME ":" FNR ": blank at the end of the line" }
        /\t/ && FILENAME !~ /Makefile$/ { print FILENAME ":" FNR ": tab" }
        length($0) > 140 && FILENAME ~ /\.[ch]$/ { print FILENAME ":" FNR ": " length($0) " characters, more than 140" }
        function size() {
            if (lines > 700) print file ":" lines ": more than 700 lines: split it by subject"
            else if (lines > 500) print "warning: " file ": " lines " lines, more than 500" > "/dev/stderr"
        }
        END { if (file != "") size() }'
}

readmes_findings() {
    local dir
    for dir in configs tests "${folders[@]}"; do
        [ ! -d "$dir" ] || [ -f "$dir/README.md" ] || echo "$dir/README.md:1: missing"
    done
}

# Slow, so both cores; the output of each file is kept whole
tidy_findings() {
    local db=$BUILD/compile_commands.json
    [ -f "$db" ] || { echo "$db:1: missing; run: make lint" && return; }
    sed -n 's/.*"file": "\([^"]*\)".*/\1/p' "$db" |
        xargs -r -P "$(nproc)" -I{} sh -c 'out=$(clang-tidy --quiet -p "$1" "$2" 2>/dev/null) || printf "%s\n" "$out"' sh "$BUILD" {} |
        grep -E '(warning|error):' | sed "s|^$PWD/||" | sort -u
}

# Never one job: then cppcheck also follows calls from file to file, and takes static functions of one name for each other.
# The ISA macros are defined by hand: cppcheck knows nothing of -mavx2, and would stop at the #error of each ISA file
cppcheck_findings() {
    local defines
    # shellcheck disable=SC2086
    defines=$(gcc $LINT_ISA_FLAGS -dM -E -x c /dev/null | sed -nE 's/^#define (__(AVX|FMA|F16C|ARM_)[A-Z0-9_]*__?|__(x86_64|aarch64)__) .*/-D\1=1/p')
    # shellcheck disable=SC2086
    files '*.c' | grep -v "/$([ "$(uname -m)" = x86_64 ] && echo arm || echo x86)/" |
        xargs -r cppcheck -q -j "$(($(nproc) + 1))" --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
            --suppress=missingIncludeSystem -I. -D_GNU_SOURCE -D__GNUC__=12 $defines \
            --template='{file}:{line}: {severity}: {message} [{id}]' 2>&1
}

all=(includes names headers banned layout readmes tidy cppcheck)
(($# > 0)) || set -- "${all[@]}"
for check in "$@"; do
    if ! contains "$check" "${all[*]}"; then
        echo "lint: no check '$check'; there are: ${all[*]}" >&2
        exit 2
    fi
    before=$findings start=$SECONDS
    report < <("${check}_findings")
    printf '%-4s %-10s %3d findings %4d s\n' "$( ((findings == before)) && echo ok || echo FAIL)" "$check" "$((findings - before))" \
        "$((SECONDS - start))"
done
echo "lint: $findings findings"
((findings == 0))
