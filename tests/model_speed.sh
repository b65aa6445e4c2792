#!/usr/bin/env bash
# How fast the ARM kernels' inner loops should be, by LLVM's models of the processors: the table "modelled" of kernels/README.md.
#   tests/model_speed.sh [CPU...]        default: neoverse-n1 neoverse-v1
#
# Each kernel is compiled as the Makefile does, its hottest loop is cut out of the assembly (the innermost loop with most
# multiply-adds), and llvm-mca says how many cycles a turn takes. A turn's work is counted in multiply-adds: 8 for smlal and smull,
# 16 for sdot, 32 for smmla, 4 for fmla, and 16 for a tbl of tl1 (16 rows x 2 weights, two look-ups each). So the table's unit is
# cycles for 128 weights and one token. The peak is that of the multiply instruction alone.
#
# This is arithmetic about instructions: caches, memory and branches do not appear in it. It needs llvm-mca of LLVM 17 or newer, which is
# when the models of these processors came; older ones stand in Cortex-A57's.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- neoverse-n1 neoverse-v1
cc=${CC:-aarch64-linux-gnu-gcc}
mca=${MCA:-$(compgen -c llvm-mca- | sort -t- -k3 -n | tail -n 1)}
version=$("${mca:-llvm-mca}" --version | sed -n 's/.*LLVM version \([0-9]*\).*/\1/p')
((version >= 17)) || { echo "model_speed: $mca is of LLVM $version, which has no models of these processors; install llvm-19" >&2; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

flags_of() { # ISA: as in the Makefile
    sed -n "s/^ISA_FLAGS_$1 := *//p" Makefile
}

# The hottest innermost loop in assembly $1 of function $2, a gemv; of a gemm, whose tile may be inlined anywhere, that of the file
loop_of() {
    awk -v name="$2" '
    function macs(s) {
        return s ~ /^\tsmmla/ ? 32 : s ~ /^\tsdot/ ? 16 : s ~ /^\t(smlal|smull)/ ? 8 : s ~ /^\tfmla/ ? 4 : \
               tl1 && s ~ /^\ttbl/ ? 16 : 0
    }
    BEGIN { tl1 = name ~ /^tl1_gemv/; inside = name ~ /gemm/ }
    $0 == name ":" { inside = 1 }
    name ~ /gemv/ && inside && /^\t\.size/ { exit }
    inside && /^\.L[A-Za-z0-9_]*:/ { at[substr($1, 1, length($1) - 1)] = n; next }
    inside && /^\t[a-z]/ {
        line[n++] = $0
        target = $NF
        if ($1 ~ /^(b|cbn?z|tbn?z)/ && (target in at)) {
            work = 0
            for (i = at[target]; i < n; i++)
                work += macs(line[i])
            if (work && last <= at[target]) { # innermost: the last one closed before this one began
                if (work > best) { best = work; from = at[target]; to = n }
                last = n
            }
        }
    }
    END { print best; for (i = from; i < to - 1; i++) print line[i] }' "$1"
}

cycles() { # CPU FILE: of one turn of 100
    "$mca" -march=aarch64 -mcpu="$1" -mattr=+dotprod,+i8mm,+fullfp16 -iterations=100 "$2" 2>/dev/null | awk '/^Total Cycles/ { print $3 / 100 }'
}

peak() { # CPU INSTRUCTION MACS: cycles for 128, when there is nothing else
    echo "$2" | "$mca" -march=aarch64 -mcpu="$1" -mattr=+dotprod,+i8mm 2>/dev/null |
        awk -v macs="$3" '/^ +[0-9]+ +[0-9]+ +[0-9.]+/ { printf "%.1f", 128 / macs * $3; exit }'
}

printf '| kernel | instruction | instructions per 128'
printf ' | %s' "$@"
printf ' |\n|---|---|---:'
printf '|---:%.0s' "$@"
echo '|'

row() { # FILE FUNCTION INSTRUCTION MACS
    local isa=${1##*_} work n cpu c
    isa=${isa%.c}
    # shellcheck disable=SC2046
    $cc -D_GNU_SOURCE -I. -std=c11 -O2 -fno-math-errno -ffp-contract=off $(flags_of "$isa") -S -o "$dir/out.s" "$1"
    loop_of "$dir/out.s" "$2" >"$dir/loop"
    work=$(head -n 1 "$dir/loop")
    sed 1d "$dir/loop" >"$dir/loop.s"
    n=$(wc -l <"$dir/loop.s")
    printf '| `%s` | %s | %s' "$2" "${3%% *}" "$(awk "BEGIN { printf \"%.1f\", ${work:-0} ? 128 * ($n + 1) / $work : 0 }")"
    for cpu in "${cpus[@]}"; do
        c=$(cycles "$cpu" "$dir/loop.s")
        printf ' | %s (%s)' "$(awk "BEGIN { printf \"%.1f\", 128 * $c / $work }")" "$(peak "$cpu" "$3" "$4")"
    done
    echo ' |'
}

cpus=("$@")
smlal='smlal v0.8h, v1.8b, v2.8b' sdot='sdot v0.4s, v1.16b, v2.4b[0]' smmla='smmla v0.4s, v1.16b, v2.16b'
for f in kernels:i2_s kernels:tq1_0 baselines:q8_0 baselines:q4_0 baselines:q6_k; do
    folder=${f%:*} f=${f#*:}
    row "$folder/arm/${f}_neon.c" "${f}_gemv_neon" "$smlal" 8
    row "$folder/arm/${f}_dotprod.c" "${f}_gemv_dotprod" "$sdot" 16
done
row kernels/arm/tl1_neon.c tl1_gemv_neon 'tbl v0.16b, {v1.16b}, v2.16b' 16
row baselines/arm/f16_neon.c f16_gemv_neon 'fmla v0.4s, v1.4s, v2.s[0]' 4
for f in kernels:i2_s kernels:tq1_0 kernels:tl1 baselines:q8_0 baselines:q4_0 baselines:q6_k; do
    folder=${f%:*} f=${f#*:}
    row "$folder/arm/${f}_neon.c" "${f}_gemm_neon" "$smlal" 8
    row "$folder/arm/${f}_dotprod.c" "${f}_gemm_dotprod" "$sdot" 16
    row "$folder/arm/${f}_i8mm.c" "${f}_gemm_i8mm" "$smmla" 32
done
row baselines/arm/f16_neon.c f16_gemm_neon 'fmla v0.4s, v1.4s, v2.s[0]' 4
