//! `chpst -u` and `setuidgid`: becoming another user. Accounts are looked up in a small root
//! directory of the test's own, so that they are the same on every machine.

use std::collections::BTreeMap;

use runit_tests::dirs::{write, write_script};
use runit_tests::prelude::*;
use runit_tests::run::{Names, Run, daemontools, only_root};

use crate::chpst_state::small_root;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    broken\n+::::::\nbad:x:1x:5::/:\n\
    web:x:80:81:Web server,,,:/srv:/bin/false\n\
    web:x:90:91:the second:/:\n\
    last:x:70:71::/:/bin/sh";
const GROUP: &str = "root:x:0:\nwww:x:81:\nlogs:x:4:root,web\nwebs:x:5:webby\nmail:x:8:web,last\n";

/// The lines of `/proc/self/status` for the process that `chpst ARGS` becomes.
fn status(run: Run) -> BTreeMap<String, String> {
    let out = run.args(["cat", "/proc/self/status"]).stdout();
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    out.lines().filter_map(field).collect()
}

/// All four user ids, all four group ids, and the supplementary groups.
#[track_caller]
fn assert_ids(run: Run, uid: u32, gid: u32, groups: &str) {
    let status = status(run);
    let four = |id: u32| format!("{id} {id} {id} {id}");
    assert_eq!(status["Uid"], four(uid));
    assert_eq!(status["Gid"], four(gid));
    assert_eq!(status["Groups"], groups);
    // Nothing is left to come back with.
    if uid != 0 {
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(status[set], "0000000000000000", "{set}");
        }
    }
}

fn chpst<const N: usize>(args: [&str; N]) -> Run {
    Run::new("chpst").args(args)
}

#[test]
fn numbers() {
    if !only_root("become others") {
        return;
    }
    assert_ids(chpst(["-u", ":12:34"]), 12, 34, "34");
    assert_ids(chpst(["-u", ":12:34:56:7"]), 12, 34, "7 34 56");
    assert_ids(chpst(["-u", ":0:0"]), 0, 0, "0");
    let many: Vec<_> = (100..160).map(|gid: u32| gid.to_string()).collect();
    let spec = format!(":1:{}", many.join(":"));
    assert_ids(chpst(["-u", &spec]), 1, 100, &many.join(" "));
    // -U is shown, -u is done.
    let out = chpst(["-U", ":3:4", "-u", ":5:6", "sh", "-c", "echo $UID $GID; id -u"]).stdout();
    assert_eq!(out, "3 4\n5\n");
}

#[test]
fn wrong_numbers() {
    for numbers in ["", "1", "a", "a:1", "1:a", "-1:0", "+1:0", " 1:0", "1:0x1"] {
        let said = chpst(["-u", &format!(":{numbers}"), "echo", "ran"]).fails(111);
        assert_eq!(said, format!("chpst: fatal: invalid uid/gids: {numbers}\n"));
    }
    only_ours!("C runit takes no number and 2^32 as 0, which is root");
    for numbers in [":1", "1:", "1:2:", "4294967296:0", "4294967295:0", "0:4294967295"] {
        let said = chpst(["-u", &format!(":{numbers}"), "echo", "ran"]).fails(111);
        assert_eq!(said, format!("chpst: fatal: invalid uid/gids: {numbers}\n"));
    }
}

#[test]
fn names() {
    if !only_root("become others") {
        return;
    }
    let Some(root) = accounts() else { return };
    let run = |account| inside(&root).args(["-u", account]);
    assert_ids(run("web"), 80, 81, "81");
    assert_ids(run("last"), 70, 71, "71");
    assert_ids(run("web:logs"), 80, 4, "4");
    assert_ids(run("web:mail:www:logs"), 80, 8, "4 8 81");
    assert_ids(run("root"), 0, 0, "0");
    for account in
        ["", "nobody", "bad", "broken", "0", "80", "web:", "web:nogroup", "web:81", "web::www"]
    {
        let said = run(account).args(["echo", "ran"]).fails(111);
        assert_eq!(said, format!("chpst: fatal: unknown user/group: {account}\n"));
    }
    let out = inside(&root).args(["-U", "web:mail", "sh", "-c", "echo $UID $GID"]).stdout();
    assert_eq!(out, "80 8\n");
}

/// What `chpst -/ ROOT` gets with `ROOT/etc/passwd` and `ROOT/etc/group` in place.
fn accounts() -> Option<TempDir> {
    let root = small_root()?;
    write(&root.path().join("etc/passwd"), PASSWD);
    write(&root.path().join("etc/group"), GROUP);
    // The reference asks libc, which would ask others as well.
    write(&root.path().join("etc/nsswitch.conf"), "passwd: files\ngroup: files\n");
    std::fs::create_dir(root.path().join("proc")).unwrap();
    Some(root)
}

/// `chpst -/ ROOT`, with the system's `/proc` there.
fn inside(root: &TempDir) -> Run {
    inside_through(root, &[])
}

/// The same through a command that executes it.
fn inside_through(root: &TempDir, command: &[&str]) -> Run {
    // A mount of its own, gone with the process.
    let mount = format!("mount --bind /proc {}/proc", root.path().display());
    let run = Run::path("unshare").args(["-m", "sh", "-c", &format!("{mount} && exec \"$@\"")]);
    let run = run.arg("sh").args(command).arg(suite::bin("chpst")).arg("-/").arg(root.path());
    run.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
}

#[test]
fn all_groups_of_an_account() {
    only_ours!("C runit has no +user");
    if !only_root("become others") {
        return;
    }
    let Some(root) = accounts() else { return };
    let run = |account| inside(&root).args(["-u", account]);
    assert_ids(run("+web"), 80, 81, "4 8 81");
    assert_ids(run("+last"), 70, 71, "8 71");
    assert_ids(run("+root"), 0, 0, "0 4");
    for account in ["+", "+nobody", "+web:www"] {
        let said = run(account).args(["echo", "ran"]).fails(111);
        assert_eq!(said, format!("chpst: fatal: unknown user/group: {account}\n"));
    }
}

/// A name that is not in the files is asked of getent.
#[test]
fn accounts_from_elsewhere() {
    only_ours!("C runit asks its C library");
    if !only_root("become others") {
        return;
    }
    let Some(root) = accounts() else { return };
    write_script(
        &root.path().join("bin/getent"),
        "#!/bin/sh\necho \"$@\" >>/asked\ncase \"$1 $2\" in\n\
         'passwd ldap'|'passwd LDAP') echo 'ldap:*:1000:1001:From afar:/home:/bin/sh';;\n\
         'group staff') echo 'staff:*:1002:ldap';;\n\
         'initgroups ldap') echo 'ldap                  1001 1003';;\n\
         'passwd 80') echo 'web:x:80:81:::';;\n\
         *) exit 2;; esac",
    );
    let run = |account| inside(&root).args(["-u", account]);
    let asked = || {
        let file = root.path().join("asked");
        let text = runit_tests::dirs::text(&file);
        write(&file, "");
        text
    };
    assert_ids(run("ldap"), 1000, 1001, "1001");
    assert_eq!(asked(), "passwd ldap\n");
    assert_ids(run("LDAP:staff:www"), 1000, 1002, "81 1002");
    assert_eq!(asked(), "passwd LDAP\ngroup staff\n");
    assert_ids(run("+ldap"), 1000, 1001, "1001 1003");
    // What is in the files is not asked for, nor what cannot be a name.
    assert_ids(run("web:www"), 80, 81, "81");
    asked();
    for account in ["", "-x", "web:"] {
        run(account).args(["echo", "ran"]).fails(111);
    }
    assert_eq!(asked(), "");
    // An answer for another name is none.
    run("80").args(["echo", "ran"]).fails(111);
    // A getent that fails is one that knows nothing.
    write_script(&root.path().join("bin/getent"), "#!/bin/sh\nkill -9 $$");
    let said = run("ldap").args(["echo", "ran"]).fails(111);
    assert_eq!(said, "chpst: fatal: unknown user/group: ldap\n");
    // It is found even where SIGCHLD is ignored, and that stays so.
    write_script(&root.path().join("bin/getent"), "#!/bin/sh\necho 'ldap:*:1000:1001:::'");
    let run = inside_through(&root, &["env", "--ignore-signal=CHLD"]).args(["-u", "ldap"]);
    let status = status(run);
    assert!(status["Uid"].starts_with("1000 "));
    assert!(status["SigIgn"].ends_with("10000"), "{}", status["SigIgn"]);
}

#[test]
fn files_that_are_missing_or_broken() {
    only_ours!("C runit asks its C library");
    if !only_root("become others") {
        return;
    }
    let Some(root) = accounts() else { return };
    let etc = root.path().join("etc");
    std::fs::remove_file(etc.join("passwd")).unwrap();
    let run = || inside(&root).args(["-u", "web", "echo", "ran"]);
    assert_eq!(run().fails(111), "chpst: fatal: unknown user/group: web\n");
    std::fs::create_dir(etc.join("passwd")).unwrap();
    let said = "chpst: fatal: unable to get password/group file entry: is a directory\n";
    assert_eq!(run().fails(111), said);
}

#[test]
fn an_ordinary_user_stays_who_it_is() {
    for account in ["root", ":0:0", ":1:1"] {
        let said = chpst(["-u", account, "echo", "ran"]).ordinary().fails(111);
        assert_eq!(said, "chpst: fatal: unable to setgroups: permission denied\n");
    }
    let said = chpst(["-u", "no-such-user", "echo", "ran"]).ordinary().fails(111);
    assert_eq!(said, "chpst: fatal: unknown user/group: no-such-user\n");
}

#[test]
fn the_lock_file_is_the_users() {
    if !only_root("become others") {
        return;
    }
    let dir = TempDir::new();
    let lock = dir.path().join("lock");
    let said = chpst(["-u", ":12:34", "-l", lock.to_str().unwrap(), "echo", "ran"]).fails(111);
    let expected =
        format!("chpst: fatal: unable to open lock: {}: access denied\n", lock.display());
    assert_eq!(said, expected);
    runit_tests::dirs::set_mode(dir.path(), 0o777);
    assert_ids(chpst(["-u", ":12:34", "-l", lock.to_str().unwrap()]), 12, 34, "34");
    let data = std::fs::metadata(&lock).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&data), 12);
}

#[test]
fn setuidgid_takes_an_account_alone() {
    let names = Names::of("chpst");
    let ours = [names.called("setuidgid"), names.called("dsetuidgid")];
    for program in &ours {
        for args in [&[] as &[&str], &["root"], &["-x"]] {
            let said = Run::path(program).args(args).fails(100);
            assert_eq!(said, "usage: setuidgid account child\n\n");
        }
        for account in ["no-such-user", "root:root", ":1:2", "-V", "--"] {
            let said = Run::path(program).args([account, "echo", "ran"]).fails(111);
            assert_eq!(said, format!("chpst: fatal: unknown account: {account}\n"));
        }
    }
    if !only_root("become others") {
        return;
    }
    // Whatever nobody's ids are here: the original says.
    for program in ours.into_iter().chain(daemontools("setuidgid")) {
        assert_ids(Run::path(&program).args(["root"]), 0, 0, "0");
        let status = status(Run::path(&program).args(["nobody"]));
        let uid = Run::path("id").args(["-u", "nobody"]).stdout();
        let gid = Run::path("id").args(["-g", "nobody"]).stdout();
        assert_eq!(status["Uid"].split(' ').next(), Some(uid.trim()));
        assert_eq!(status["Groups"], gid.trim());
    }
}
