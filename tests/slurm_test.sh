#!/bin/bash
# configs/slurm/bench.sbatch without Slurm: a stand-in for srun runs the step on two nodes, one after the other. Prints TAP.
set -u
export BITJOULE_CONFIGS=$PWD/configs
. tests/cli_lib.sh

if [ ${#RUN_CMD[@]} -gt 0 ]; then
    skip "bench.sbatch" "it starts the program itself, which an emulator does not carry over"
    echo "1..$n"
    exit
fi
mkdir "$dir/bin"
cat >"$dir/bin/srun" <<'END'
#!/bin/bash
# srun OPTIONS... COMMAND...: the highest exit status of the two nodes; only the options of a whole node are taken
worst=0
for node in n1 n2; do
    export SLURMD_NODENAME=$node
    args=("$@")
    while [[ ${args[0]} == --* ]]; do
        case ${args[0]} in
        --kill-on-bad-exit=0 | --cpu-bind=none | --mem=0) ;;
        *) exit 99 ;;
        esac
        args=("${args[@]:1}")
    done
    [ "$node" != "${BROKEN:-}" ] || args=(false)
    "${args[@]}" || worst=$?
done
exit $worst
END
chmod +x "$dir/bin/srun"
cat >"$dir/suite.ini" <<'END'
[matrix]
models = tests/golden/kjv-tiny-f16.gguf
formats = f16
threads = 1
gen = 4
[measure]
block_s = 0.01
rounds = 2
END
export BITJOULE SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=2 SUITE=$dir/suite.ini PATH=$dir/bin:$PATH
submit() { OUT=$dir/$1 capture bash configs/slurm/bench.sbatch; }

submit all
ok "two nodes: exit status 0" is "$rc" 0
ok "two nodes: what each printed" eval "grep -q 'kjv-tiny-f16/f16' '$dir/all/n1.txt' && grep -q 'kjv-tiny-f16/f16' '$dir/all/n2.txt'"
ok "two nodes: of one kind, yet two machines" has "2 records of 2 machines" err
ok "two nodes: the report puts them side by side" eval "grep -q 'kjv-tiny-f16@n1' '$dir/all/merged/report.md' && grep -q 'kjv-tiny-f16@n2' '$dir/all/merged/report.md'"
BROKEN=n2 submit half
ok "a node that fails: so does the job" is "$rc" 1
ok "a node that fails: it says so" has "1 of 2 nodes left a record" err
ok "a node that fails: the report is of the other" eval "grep -q 'kjv-tiny-f16' '$dir/half/merged/report.md' && ! [ -e '$dir/half/n2' ]"
SUITE=nosuch submit none
ok "no node finishes: exit status 1" is "$rc" 1
ok "no node finishes: says where to look" has "no node has finished: see $dir/none" err
echo "1..$n"
