#!/usr/bin/env bash
# What make refuses to build for. Stub compilers pretend to be those of 32-bit and big-endian systems; nothing is compiled.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CC CFLAGS ARCH BUILD
echo "1..6"

check() { # WHAT: the exit status of the last command decides
    local status=$?
    n=$((n + 1))
    [ $status = 0 ] && echo "ok $n - $1" || { echo "not ok $n - $1" && sed 's/^/# /' "$dir/out"; }
}

# A compiler called NAME that says MACHINE and defines what FLAGS say
stub() { # NAME MACHINE FLAGS
    cat >"$dir/$1" <<EOF
#!/usr/bin/env bash
case "\$*" in
*-dumpmachine*) echo $2 ;;
*) exec gcc $3 "\$@" ;;
esac
EOF
    chmod +x "$dir/$1"
}

configure() { # NAME [ARCH]: make's exit status; its output is in out
    make CC="$dir/$1" ARCH="${2:-$(uname -m)}" BUILD="$dir/b-$1" "$dir/b-$1/config.mk" >"$dir/out" 2>&1
}

refused() { # NAME MACHINE
    ! configure "$1" && [ ! -e "$dir/b-$1/config.mk" ] &&
        [ "$(grep -c "compiles for $2; bitjoule needs 64-bit little-endian x86-64 or aarch64" "$dir/out")" = 1 ]
}

stub same "$(uname -m)-linux-gnu" ""
configure same
check "this machine's own compiler is taken"

stub armhf arm-linux-gnueabihf "-U__x86_64__ -U__aarch64__ -U__SIZEOF_POINTER__ -D__SIZEOF_POINTER__=4 -D__arm__"
refused armhf arm-linux-gnueabihf
check "a 32-bit ARM compiler on a 64-bit kernel is refused in one line"

stub big aarch64_be-linux-gnu "-U__x86_64__ -D__aarch64__=1 -U__BYTE_ORDER__ -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__"
refused big aarch64_be-linux-gnu
check "a big-endian compiler is refused"

stub x32 x86_64-linux-gnux32 "-U__SIZEOF_POINTER__ -D__SIZEOF_POINTER__=4"
refused x32 x86_64-linux-gnux32
check "pointers of 32 bits are refused"

for arch in armv7l ppc64 s390x; do
    if configure same $arch || ! grep -q "bitjoule supports x86_64 and aarch64 (64-bit, little-endian), not '$arch'" "$dir/out"; then
        false
        break
    fi
done
check "other machines are refused by their names"

stub riscv riscv64-linux-gnu "-U__x86_64__ -U__aarch64__ -D__riscv=1"
refused riscv riscv64-linux-gnu
check "a compiler for neither x86-64 nor aarch64 is refused"
