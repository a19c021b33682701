//! What is added to our own `etc/` for the scenarios: services that say what
//! happens to them, and the accounts of a system without any.

/// Files of the small system, by path, with their modes.
pub const SMALL: &[(&str, u32, &str)] = &[
    ("etc/passwd", 0o644, PASSWD),
    ("etc/shadow", 0o600, "root::19000:0:99999:7:::\n"),
    ("etc/group", 0o644, GROUP),
    ("etc/hostname", 0o644, "box\n"),
    ("etc/sv/beat/run", 0o755, BEAT),
    ("etc/sv/beat/log/run", 0o755, "#!/bin/sh\nexec rsvlog\n"),
    ("etc/sv/order/run", 0o755, ORDER),
    ("etc/sv/order/log/run", 0o755, ORDER_LOG),
    ("etc/sv/keepsyslog/run", 0o755, KEEPSYSLOG),
    ("etc/runit/pwrfail.new", 0o755, PWRFAIL),
];

/// Debian's C runit has two files elsewhere, and wants them to be there from stage 1 on.
pub const C_BOOT: (&str, u32, &str) = (
    "etc/rc.boot",
    0o755,
    "\
#!/bin/sh
for name in stopit reboot; do
    : >/run/runit.$name
    chmod 0 /run/runit.$name
    ln -s ../runit.$name /run/runit/$name
done
",
);

/// The services of these that run in the level `default`.
pub const ENABLED: &[&str] = &["beat", "order", "keepsyslog"];

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
";

const GROUP: &str = "root:x:0:\nadm:x:4:\ntty:x:5:\nutmp:x:43:\nnogroup:x:65534:\n";

/// A service with an ordinary log.
const BEAT: &str = "\
#!/bin/sh
while :; do
    echo beat
    sleep 1
done
";

/// A service that has a last word to say when it is stopped.
const ORDER: &str = "\
#!/bin/sh
trap 'echo last-words; echo order: the service is down >/dev/console; exit 0' TERM
while :; do
    sleep 1
done
";

/// Its log service: the last line that it has read is what counts.
const ORDER_LOG: &str = "\
#!/bin/sh
while read -r line; do
    last=$line
done
echo order: the logger is down after $last >/dev/console
";

/// One that keeps the logs of others, by its name.
const KEEPSYSLOG: &str = "\
#!/bin/sh
trap 'echo keepsyslog: down >/dev/console; exit 0' TERM
while :; do
    sleep 1
done
";

/// Asks process 1 to end stage 2, as an UPS's daemon would have it.
const PWRFAIL: &str = "\
#!/bin/sh
echo 'pwrfail: the power fails'
: >/run/runit/stopit
chmod 100 /run/runit/stopit
";
