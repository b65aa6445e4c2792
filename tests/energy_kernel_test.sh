#!/bin/bash
# Energy from a real kernel's powercap tree: boots a kernel in qemu whose only zone is that of powercap_zone/, a module that draws 42 W
# and wraps when it is told to, and lets the program measure there. Prints TAP.
#
# Needs qemu-system-x86_64, a static busybox, a kernel and its headers (Debian: qemu-system-x86, busybox-static, linux-image-amd64,
# linux-headers-amd64); KERNEL_IMAGE and KERNEL_BUILD name others than those of /boot. Without them every case is skipped.
set -u
plan=6
skip_all() {
    for i in $(seq "$plan"); do
        echo "ok $i - energy in a kernel of its own # SKIP $1"
    done
    echo "1..$plan"
    exit 0
}

: "${KERNEL_IMAGE:=}" "${KERNEL_BUILD:=}" "${BUSYBOX:=$(command -v busybox || echo /bin/busybox)}"
for image in /boot/vmlinuz-*; do
    [ -z "$KERNEL_IMAGE" ] && [ -r "$image" ] && [ -d "/lib/modules/${image#/boot/vmlinuz-}/build" ] || continue
    KERNEL_IMAGE=$image KERNEL_BUILD=/lib/modules/${image#/boot/vmlinuz-}/build
done
[ -z "${RUN:-}" ] && [ "$(uname -m)" = x86_64 ] || skip_all "for x86-64 without an emulator"
command -v qemu-system-x86_64 >/dev/null || skip_all "no qemu-system-x86_64 (Debian: qemu-system-x86)"
[ -r "$KERNEL_IMAGE" ] && [ -d "$KERNEL_BUILD" ] || skip_all "no kernel with headers (Debian: linux-image-amd64 linux-headers-amd64)"
[ -x "$BUSYBOX" ] && ! ldd "$BUSYBOX" >/dev/null 2>&1 || skip_all "no static busybox (Debian: busybox-static)"
ldd "$BITJOULE" | grep -q 'lib[at]san' && skip_all "a sanitizer build is too slow for an emulated CPU"

. tests/cli_lib.sh

cp tests/powercap_zone/powercap_zone.c "$dir/"
echo 'obj-m := powercap_zone.o' >"$dir/Kbuild"
env -u MAKEFLAGS -u MAKELEVEL make -C "$KERNEL_BUILD" M="$dir" modules >"$dir/module.log" 2>&1
[ -e "$dir/powercap_zone.ko" ] || skip_all "the module cannot be built against $KERNEL_BUILD: $(grep -m1 -i error "$dir/module.log")"

# the file system of the machine: the program with its libraries, busybox, the module
root=$dir/root
mkdir -p "$root"/{bin,proc,sys,dev,groups}
cp "$BUSYBOX" "$root/bin/busybox"
cp "$BITJOULE" "$root/bin/bitjoule"
cp profiles/groups/*.txt "$root/groups/"
cp "$dir/powercap_zone.ko" "$root/"
ldd "$BITJOULE" | grep -o '/[^ ]*' | while read -r lib; do
    mkdir -p "$root${lib%/*}"
    cp -L "$lib" "$root$lib"
done
cat >"$root/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
export BITJOULE_GROUPS=/groups
show() {
    awk -v c="$1" '$1 ~ /^(duration_s|energy_pkg_j|energy_void_j|cpu_time_s)$/ && $3 ~ /^J|s$/ { print c, $1, $2 }'
}
insmod /powercap_zone.ko wraps_in_ms=3000
echo ZONE $(cat /sys/class/powercap/intel-rapl:0/name)
echo BEFORE $(cat /sys/class/powercap/intel-rapl:0/energy_uj)
bitjoule energy --source powercap -- sleep 4 | show SHORT
echo AFTER $(cat /sys/class/powercap/intel-rapl:0/energy_uj)
bitjoule energy --source powercap -d 6 | show LONG
bitjoule energy --counters perf --counter-group software -- sleep 1 | show COUNT
bitjoule doctor | sed -n 's/^  info  power_limit/LIMIT/p'
poweroff -f
EOF
chmod +x "$root/init"
(cd "$root" && find . | "$BUSYBOX" cpio -o -H newc 2>/dev/null | gzip -1 >"$dir/initrd.gz")
timeout 100 qemu-system-x86_64 -accel tcg -cpu max -m 1024 -smp 2 -kernel "$KERNEL_IMAGE" -initrd "$dir/initrd.gz" \
    -append "console=ttyS0 panic=-1 quiet" -nographic -no-reboot </dev/null 2>/dev/null | tr -d '\r' >"$dir/out"
: >"$dir/err"
value() { # CASE METRIC
    awk -v c="$1" -v m="$2" '$1 == c && $2 == m { print $3; exit }' "$dir/out"
}
joules() { # CASE: what was counted, even where the emulated CPU was too busy with itself for the window to count
    local j
    j=$(value "$1" energy_pkg_j)
    [ "$j" != - ] || j=$(value "$1" energy_void_j)
    echo "$j"
}
about() { # CASE: 42 W, +-1 %
    local j s
    j=$(joules "$1") s=$(value "$1" duration_s)
    j=${j/-/}
    # the window begins and ends on an update, up to 1 ms and, on an emulated CPU, some ms outside of the duration
    calc "${j:-0} > 0.99 * 42 * ${s:-1} && ${j:-0} < 1.01 * 42 * (${s:-1} + 0.02)"
}
ok "the kernel's zone is there" grep -q '.*ZONE package-0' "$dir/out"
wrapped() { # the counter was lower after the command than before
    local before after
    before=$(awk '$1 == "BEFORE" { print $2 }' "$dir/out") after=$(awk '$1 == "AFTER" { print $2 }' "$dir/out")
    calc "${after:-1} < ${before:-0}"
}
ok "the counter wrapped while the command ran" wrapped
ok "a command of 4 s at 42 W through the wrap: $(joules SHORT) J in $(value SHORT duration_s) s" about SHORT
ok "an interval of 6 s: $(joules LONG) J in $(value LONG duration_s) s" about LONG
ok "software counters of another kernel: $(value COUNT cpu_time_s) s" calc "$(value COUNT cpu_time_s) > 0"
ok "doctor tells the zone's power limits" grep -q '^LIMIT .*package-0: 45 W over 45 s, 65 W over 65 s' "$dir/out"
[ "$n" = "$plan" ] && echo "1..$n"
