#!/bin/sh
# Run in a chroot with Debian's runit: ours beside it, or instead of it.
# debian_try.sh SCENARIO VERSION
set -eu

scenario=$1 version=$2

fail() {
    echo "packages for Debian, $scenario: $*" >&2
    exit 1
}

# until_true WHAT COMMAND [ARG]...: waits for it, not for ever.
until_true() {
    what=$1
    shift
    tries=0
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "no $what"
        sleep 0.1
    done
}

# dpkg, quiet but for what goes wrong.
install_packages() {
    dpkg --force-confold -i "$@" >/tmp/dpkg 2>&1 </dev/null || { cat /tmp/dpkg >&2; fail "dpkg -i $*"; }
}
take_away() {
    dpkg "$@" >/tmp/dpkg 2>&1 </dev/null || { cat /tmp/dpkg >&2; fail "dpkg $*"; }
}

# picture FILE: all paths, and what is in programs and settings.
picture() {
    {
        find / -xdev \( -path /proc -o -path /run -o -path /tmp -o -path /dev -o -path /debs \
            -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg \) -prune -o -print
        find /etc /usr/bin /usr/sbin /usr/share/man /usr/share/bash-completion -xdev -type f \
            -exec md5sum {} +
        find /etc /usr/bin -xdev -type l -printf '%p -> %l\n'
    } | grep -v -e /supervise -e ' /etc/[a-z]*-$' |
        # Debian's socklog-run, purged, leaves its accounts and directories of services.
        grep -v -e '^/etc/sv/socklog-[a-z/-]*$' -e ' /etc/passwd$' -e ' /etc/group$' -e ' /etc/g*shadow$' |
        LC_ALL=C sort >"$1"
}

# is_ours NAME: the program of that name is of this suite.
is_ours() { "$1" --version 2>&1 | grep -q "^$1 .*$version"; }

# undisturbed NAME PID: it lives on.
undisturbed() { [ "$(pid_of "$1")" = "$2" ] && kill -0 "$2"; }

runs() { sv status "$1" | grep -q '^run: '; }
pid_of() { cat "/etc/sv/$1/supervise/pid"; }

# supervisor_is FILE NAME: the supervisor of the service runs that program.
supervisor_is() {
    read -r _ _ _ parent _ <"/proc/$(pid_of "$2")/stat" && cmp -s "$1" "/proc/$parent/exe"
}

# end_tree: the services stop, then their supervisors, then runsvdir.
end_tree() {
    kill -HUP "$tree"
    code=0
    wait "$tree" || code=$?
    [ "$code" = 111 ] || fail "runsvdir: exit $code"
}

beside() {
    for name in runit runit-services getty-run; do
        dpkg -s "$name" | grep -q '^Status: install ok installed' || fail "no $name"
    done
    # No terminal of this machine is a terminal of ours.
    rm -f /etc/runit/runsvdir/*/getty-*

    mkdir -p /etc/sv/mine/log /etc/sv/invoked/env
    printf '#!/bin/sh\nexec 2>&1\necho started\nexec sleep 1000000\n' >/etc/sv/mine/run
    printf '#!/bin/sh\nmkdir -p /var/log/mine\nexec svlogd -tt /var/log/mine\n' >/etc/sv/mine/log/run
    # As in runit-services: a script of Debian's runit sets things up.
    printf '#!/usr/bin/env /lib/runit/invoke-run\nexec sleep 1000000\n' >/etc/sv/invoked/run
    echo yes >/etc/sv/invoked/env/FROM_ENV
    ln -s /lib/runit/finish-exec /etc/sv/invoked/finish
    chmod +x /etc/sv/mine/run /etc/sv/mine/log/run /etc/sv/invoked/run
    ln -s /etc/sv/mine /etc/sv/invoked /etc/service/
    echo '# a setting' >>/etc/default/runit
    export SVDIR=/etc/service

    runsvdir -P /etc/service >/dev/null 2>&1 &
    tree=$!
    for service in mine invoked; do
        until_true "$service" runs "$service"
    done
    until_true 'state of default-syslog' test -p /etc/sv/default-syslog/supervise/ok
    until_true 'a log' grep -q started /var/log/mine/current
    pid=$(pid_of mine)
    picture /tmp/before
    cp /usr/bin/runsv /tmp/runsv

    install_packages /debs/first/runit-rs_*
    for name in sv runsv runsvdir chpst svlogd runsvchdir utmpset; do
        is_ours "$name" || fail "$name is not ours"
        [ -e "$(command -v "$name").distrib" ] || fail "Debian's $name is not kept"
    done
    undisturbed mine "$pid" || fail 'the service was disturbed'
    runs mine || fail 'our sv does not know the service'
    supervisor_is /tmp/runsv mine || fail "the supervisor is not Debian's any more"
    sv restart mine >/dev/null || fail 'sv restart'
    [ "$(pid_of mine)" != "$pid" ] || fail 'not restarted'
    # A supervisor that is ended comes back as ours, one by one.
    for service in mine invoked; do
        sv shutdown "$service" >/dev/null || fail "sv shutdown $service"
        until_true "$service by our runsv" supervisor_is /usr/bin/runsv "$service"
        until_true "$service" runs "$service"
    done
    until_true 'the environment of invoke-run' \
        grep -qz '^FROM_ENV=yes' "/proc/$(pid_of invoked)/environ"
    pid=$(pid_of mine)

    # What depends on Debian's runit is installed, and works.
    install_packages /debs/socklog*.deb
    until_true socklog-unix runs socklog-unix
    until_true /dev/log test -S /dev/log
    until_true 'line in the system log' sh -c '
        logger --socket-errors=on -u /dev/log "a line for the log"
        grep -q "a line for the log" /var/log/runit/socklog/main/current'
    supervisor_is /usr/bin/runsv socklog-unix || fail 'socklog is not supervised by ours'
    update-service --list | grep -q mine || fail 'update-service'

    install_packages /debs/second/runit-rs_*
    [ "$(dpkg-query -W -f '${Version}' runit-rs)" = "$version-2" ] || fail 'no second revision'
    is_ours sv || fail 'sv is not ours after the upgrade'
    undisturbed mine "$pid" || fail 'the service was disturbed by the upgrade'

    sv stop socklog-unix socklog-klog >/dev/null
    take_away -P socklog-run socklog
    take_away -P runit-rs
    ! is_ours sv || fail 'sv is still ours'
    undisturbed mine "$pid" || fail 'the service was disturbed at last'
    runs mine || fail "Debian's sv does not know the service under our supervisor"
    ! dpkg-divert --list | grep runit-rs || fail 'a diversion is left'
    grep -q '^# a setting' /etc/default/runit || fail 'a setting is lost'
    picture /tmp/after
    end_tree
}

# boot: what is installed is process 1 of a container, with services of its level, and
# goes down when it is told to.
boot() {
    echo LEVEL=own >>/etc/runit/rc.conf
    : >/var/log/mine/current
    # Stage 3 begins with this; messages go to a console that is not ours to read.
    printf '#!/bin/sh\n: >/down\n' >/etc/runit/rc.shutdown
    chmod +x /etc/runit/rc.shutdown
    container=try unshare --mount --propagation unchanged --pid --fork --mount-proc \
        /sbin/init >/tmp/boot 2>&1 </dev/null &
    machine=$!
    until_true 'service after booting' grep -q started /var/log/mine/current
    runs mine || fail 'sv does not know what was booted'
    read -r first _ <"/proc/$machine/task/$machine/children" || [ -n "$first" ]
    kill -TERM "$first"
    code=0
    wait "$machine" || code=$?
    # With power off the kernel ends a namespace by INT.
    [ "$code" = 130 ] || { cat /tmp/boot >&2; fail "it did not go down well: exit $code"; }
    rm /down /etc/runit/rc.shutdown || fail 'no stage 3'
    runsvchdir default >/dev/null
}

instead() {
    take_away -P runit-services getty-run runit
    rm -rf /etc/runit /etc/sv /etc/service /var/log/runit
    picture /tmp/before
    install_packages /debs/first/*.deb
    for name in sv runsvdir; do
        is_ours "$name" || fail "$name is not ours"
    done
    cmp -s /sbin/init /sbin/runit-init || fail '/sbin/init is not ours'
    [ -x /etc/runit/runsvdir/current/getty-tty1/run ] || fail 'no level default'
    halt --version | grep -q runit-rs || fail 'halt is not ours'
    dpkg -L runit-rs-systemd | grep -q system/runit.service || fail 'no unit'
    grep -q '^ExecStart=/usr/bin/runsvdir -x -P /etc/service' /usr/lib/systemd/system/runit.service ||
        fail 'the unit looks elsewhere'

    # A level of one's own, with a logger of ours, run by what is installed.
    mkdir -p /etc/sv/mine/log /etc/runit/runsvdir/own
    printf '#!/bin/sh\nexec 2>&1\necho started\nexec sleep 1000000\n' >/etc/sv/mine/run
    chmod +x /etc/sv/mine/run
    ln -s /usr/bin/rsvlog /etc/sv/mine/log/run
    ln -s /etc/sv/mine /etc/runit/runsvdir/own/
    runsvchdir own >/dev/null
    runsvdir -P /etc/service >/dev/null 2>&1 &
    tree=$!
    # Built for Debian, sv looks in /etc/service by itself.
    until_true mine runs mine
    until_true 'a log' grep -q started /var/log/mine/current
    end_tree
    boot

    echo 'LEVEL=single' >>/etc/runit/rc.conf
    rm /etc/runit/runsvdir/default/getty-tty2
    install_packages /debs/second/*.deb
    grep -q '^LEVEL=single' /etc/runit/rc.conf || fail 'a setting is lost'
    [ ! -h /etc/runit/runsvdir/default/getty-tty2 ] || fail 'a service was turned on again'

    rm -r /etc/sv/mine /etc/runit/runsvdir/own
    take_away -r runit-rs-init runit-rs-systemd runit-rs-services runit-rs
    grep -q '^LEVEL=single' /etc/runit/rc.conf || fail 'removed, a setting is lost'
    take_away -P runit-rs-init runit-rs-systemd runit-rs-services runit-rs
    picture /tmp/after

    # Debian's may come after ours, too: it makes way, and has its names when ours goes.
    install_packages /debs/first/runit-rs_*
    install_packages /debs/runit_*
    is_ours sv || fail "Debian's sv took the place of ours"
    take_away -P runit-rs
    command -v sv >/dev/null || fail "no sv of Debian's after ours"
    ! is_ours sv || fail 'sv is ours, who has gone'
    take_away -P runit
}

"$scenario"
if ! diff /tmp/before /tmp/after >/tmp/diff; then
    cat /tmp/diff >&2
    fail 'not as it was before'
fi
echo "Debian, $scenario: installed, run, upgraded and removed; nothing left"
