#!/bin/bash
# usage: emulate.sh EMULATOR COMMAND [ARG]...
#
# Runs COMMAND where the kernel starts programs for aarch64 with EMULATOR. Only
# COMMAND sees that: binfmt_misc belongs to a user namespace of its own (Linux
# 6.7). For root all accounts exist there as they do outside, so that tests may
# change to them; for anyone else there is root alone. Whatever COMMAND leaves
# behind ends with it: its processes have a namespace of their own too.
set -euo pipefail

namespaces=(--user --mount --pid --fork --kill-child)

register() {
    mount -t proc proc /proc
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    local magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
    local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    # F: the emulator is opened now, and found wherever a program changes its root to.
    echo ":aarch64:M::$magic:$mask:$1:F" >/proc/sys/fs/binfmt_misc/register
}

if [ "$1" = inside ]; then
    register "$2"
    exec "${@:3}"
elif [ "$(id -u)" != 0 ]; then
    exec unshare "${namespaces[@]}" --map-root-user "$0" inside "$@"
fi

exec 3>&1
coproc inside {
    # The maps of accounts are written from outside, once the namespace is there.
    # shellcheck disable=SC2016
    exec unshare "${namespaces[@]}" bash -c \
        'echo ready; read -r; exec "$@" </dev/null >&3 3>&-' bash "$0" inside "$@"
}
pid=$!
read -r <&"${inside[0]}"
echo '0 0 4294967295' >"/proc/$pid/uid_map"
echo '0 0 4294967295' >"/proc/$pid/gid_map"
echo go >&"${inside[1]}"
wait "$pid"
