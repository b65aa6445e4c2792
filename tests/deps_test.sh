#!/usr/bin/env bash
# .ci/deps against simulated machines: a PATH that holds only made-up apt-get, dnf, sudo, pkg-config... and a few real tools.
# Nothing is installed; the made-up package managers write down how they were called, and "install" by leaving a file.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
plan=14

# A machine: MANAGER (apt-get or dnf), USER-ID, SUDO (none, free or asks), then the commands and pkg-config names it has
machine() {
    local manager=$1 uid=$2 sudo=$3 tool
    shift 3
    rm -rf "${dir:?}/m"
    mkdir -p "$dir/m/bin" "$dir/m/has"
    for tool in bash sort paste sed head cat touch mktemp rm tail; do
        ln -s "$(command -v $tool)" "$dir/m/bin/$tool"
    done
    for tool in "$@"; do
        touch "$dir/m/has/$tool"
        printf '#!/bin/bash\n' >"$dir/m/bin/$tool"
    done
    printf '#!/bin/bash\necho x86_64\n' >"$dir/m/bin/uname"
    printf '#!/bin/bash\necho %s\n' "$uid" >"$dir/m/bin/id"
    printf '#!/bin/bash\n[ -e %s/m/has/$2 ]\n' "$dir" >"$dir/m/bin/pkg-config"
    # installing anything brings jansson, unless the machine is "stubborn"
    printf '#!/bin/bash\necho "%s $*" >>%s/m/log\n[[ "$*" != *install* || -e %s/m/has/stubborn ]] || touch %s/m/has/jansson\n' \
        "$manager" "$dir" "$dir" "$dir" >"$dir/m/bin/$manager"
    case $sudo in
    free) printf '#!/bin/bash\n[ "$1" = -n ] && exit 0\necho sudo >>%s/m/log\n[[ "$1" != *=* ]] || shift\nexec "$@"\n' "$dir" >"$dir/m/bin/sudo" ;;
    asks) printf '#!/bin/bash\nexit 1\n' >"$dir/m/bin/sudo" ;;
    esac
    chmod +x "$dir/m/bin/"*
    touch "$dir/m/stdio.h" "$dir/m/log"
}

run() { # ARGUMENTS: sets out, status, log
    out=$(env -i PATH="$dir/m/bin" ROOT_INCLUDE="$dir/m" "$BASH" .ci/deps "$@" 2>&1)
    status=$?
    log=$(cat "$dir/m/log")
}

check() { # NAME CONDITION...: the condition is a test expression
    local name=$1
    shift
    n=$((n + 1))
    if [ "$@" ]; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        printf '# status %s\n# output: %s\n# calls: %s\n' "$status" "$out" "$log"
    fi
}

libs="inih hwloc libpcre2-8 libcrypto sqlite3"
echo "1..$plan"

# shellcheck disable=SC2086
machine apt-get 0 none gcc make jansson $libs
run build
check "all there: silent, nothing called" "$status/$out/$log" = "0//"

machine apt-get 0 none gcc make $libs
run build
check "root: one update, then the missing package" "$status/$log" = "0/apt-get -qq -o DPkg::Lock::Timeout=300 update
apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends libjansson-dev"

machine apt-get 0 none gcc make $libs
run --check build
check "--check: nothing called" "$status/$log" = "1/"
check "--check: one line with the remedy" "$out" = "bitjoule: missing: libjansson-dev. Type: .ci/deps build"

machine apt-get 1000 free gcc make $libs
run build
check "password-less sudo is used" "$status/$(grep -c sudo <<<"$log")" = "0/2"

machine apt-get 1000 asks gcc make $libs
run build
check "sudo that asks: nothing called" "$status/$log" = "1/"
check "sudo that asks: the one line to type" "$out" = \
    "bitjoule: packages are missing, type: sudo apt-get update && sudo apt-get install -y --no-install-recommends libjansson-dev"

machine apt-get 1000 none gcc make $libs
run build
check "no sudo at all: status 1, nothing called" "$status/$log" = "1/"

machine apt-get 0 none gcc make $libs stubborn
run build
check "an installation that did not help is an error" "$status/${out##*: }" = "1/libjansson-dev"

machine dnf 0 none gcc make $libs
run build
check "dnf: its own package names" "$status/$log" = "0/dnf install -y jansson-devel"

machine none 0 none gcc make $libs
run build
check "no package manager: says what is needed" "$status/${out##*: }" = "1/libjansson-dev"

machine apt-get 0 none
run --check build bench test asan arm lint fuzz
absent=
for package in gcc libjansson-dev gnuplot-nox libcmocka-dev libsimde-dev libgcc-12-dev qemu-user libcmocka-dev:arm64 clang-tidy libclang-rt-dev; do
    [[ "$out " == *" $package"[\ .]* ]] || absent+=" $package"
done
check "an empty machine: every group names its packages" "$status/$absent" = "1/"

machine apt-get 0 none gcc make
run fish
check "an unknown group is bad usage" "$status" = 2

out=$(sed -n 's/^REQUIRED_LIBS := //p' Makefile)
log=$(sed -n '/^libs=(/,/^)/s/^ *"\([^ ]*\) .*/\1/p' .ci/deps | paste -sd ' ')
check "the Makefile and .ci/deps name the same libraries" "$out" = "$log"
