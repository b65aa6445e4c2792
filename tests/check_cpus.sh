#!/usr/bin/env bash
# Runs the tests on several emulated ARM processors.  tests/check_cpus.sh LOG_DIR PROGRAM...
#
# RUN is the emulator (qemu-aarch64). The whole suite runs once, on the CPU that has every instruction set, which also shows pages
# of 64 KiB. On the others run the programs whose way through the code depends on the CPU: kernels, vector operations, peaks,
# packing, bit identity, the golden logits' bytes and the choice of a kernel. Everything else does the same there, instruction by instruction.
# No kernel uses SVE (kernels/README.md says why), so that its vector length shows nowhere: each width runs the vector operations only.
# The smoke suite runs from start to report with the trained model of tests/golden and shorter tests: 125M takes half an hour where a
# CPU is emulated.
#
# As many programs run side by side as there are real CPUs. The last line is the total, as run.sh writes it.
set -uo pipefail
here=$(dirname "$0")
logs=$1
shift
: "${RUN:=}" "${BITJOULE:=}"
programs=("$@") some=() ops=
for p in "${programs[@]}"; do
    case $(basename "$p" .sh) in
    test_ops) ops=$p some+=("$p") ;;
    test_kernels | test_tl1 | test_tl2 | test_peak | test_pack | test_bit_identity | test_logits_hash | kernels_cli_test) some+=("$p") ;;
    esac
done
mkdir -p "$logs" || exit 2
totals=$logs/totals
: >"$totals"

one() { # NAME "QEMU-FLAGS" PROGRAM...
    local name=$1 flags=$2 start=$SECONDS out=$logs/$1.out
    shift 2
    RUN="$RUN $flags" "$here/run.sh" "$logs/$name" "$@" >"$out" 2>&1
    local status=$?
    # one write, so that two CPUs do not mix their lines
    printf '%s\n' "---- $name ($RUN $flags), $((SECONDS - start)) s" "$(cat "$out")"
    echo "$status $(tail -n 1 "$out")" >>"$totals"
}

smoke() {
    local out=$logs/smoke start=$SECONDS status=1
    rm -rf "$out"
    # shellcheck disable=SC2086
    $RUN -cpu max "$BITJOULE" bench -c configs/suites/smoke.ini -m tests/golden/kjv-tiny-f16.gguf -p 8 -n 4 --no-report -o "$out" >"$logs/smoke.out" 2>&1 &&
        $RUN -cpu max "$BITJOULE" report "$out/results.json" -o "$out" >>"$logs/smoke.out" 2>&1 && # an emulated program cannot start itself
        grep -q '"isa": *"i8mm"' "$out/results.json" && ! grep -q '"status": *"failed"' "$out/results.json" && test -s "$out/report.md" &&
        test -s "$out/report.html" && status=0
    printf '%s\n' "---- smoke suite ($RUN -cpu max), $((SECONDS - start)) s"
    ((status == 0)) || tail -n 40 "$logs/smoke.out"
    echo "$status $((1 - status)) passed, $status failed, 0 skipped" >>"$totals"
}

if [ -z "$RUN" ]; then
    exec "$here/run.sh" "$logs" "${programs[@]}" # a real ARM machine: the CPU is what it is
fi
smoke & # one process
one max-64k "-p 65536 -cpu max" "${programs[@]}"
one cortex-a53 "-cpu cortex-a53" "${some[@]}"
one neoverse-n1 "-cpu neoverse-n1" "${some[@]}"
for bits in 128 256 512; do
    one "max-sve$bits" "-cpu max,sve-max-vq=$((bits / 128))" "$ops"
done
wait
awk '{ bad += $1 != 0; p += $2; f += $4; s += $6 } END {
    print p " passed, " f " failed, " s " skipped"; exit !(NR == 7 && bad == 0) }' "$totals"
