//! Ways through a made-up file system, and what events there mean.

use std::borrow::ToOwned;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::string::String;
use std::{format, vec};

use super::*;

/// A tree of absolute paths without links in them; links are `-> target`, and
/// files are `file`. The current directory is `/base`.
fn tree() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("/", ""),
        ("/base", ""),
        ("/base/near", "-> ../etc/runit"),
        ("/var", ""),
        ("/var/service", "-> /etc/runit/current"),
        ("/var/plain", ""),
        ("/etc", ""),
        ("/etc/runit", ""),
        ("/etc/runit/current", "-> default"),
        ("/etc/runit/default", ""),
        ("/etc/runit/broken", "-> nowhere/at/all"),
        ("/etc/runit/loop", "-> loop"),
        ("/etc/runit/file", "file"),
        ("/etc/runit/secret", "hidden"),
    ])
}

/// The path as an absolute one without `.` and `..`.
fn absolute(path: &str) -> String {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("/base/{path}") };
    let mut parts = vec![];
    for part in full.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    format!("/{}", parts.join("/"))
}

fn look_in(tree: &BTreeMap<&str, &str>, path: &CStr) -> Look {
    let path = absolute(path.to_str().unwrap());
    let Some(at) = tree.keys().position(|known| *known == path) else {
        return Look::Missing;
    };
    let id = Id { device: 1, inode: at as u64 };
    match tree[path.as_str()] {
        "" => Look::Directory(id),
        "file" => Look::Other(id),
        "hidden" => Look::Unknown,
        link => Look::Link(id, link.trim_start_matches("-> ").into()),
    }
}

fn walk(path: &str) -> Way {
    let tree = tree();
    Way::walk(path.as_bytes(), |path| look_in(&tree, path))
}

#[test]
fn ways_are_watched_where_they_can_change() {
    let mut table = String::new();
    for path in [
        "/var/plain",
        "/var/service",
        "/var/service/",
        "near/default",
        "near/../runit/default",
        ".",
        "./../base",
        "/",
        "",
        "/var/missing/later",
        "missing",
        "/etc/runit/broken",
        "/etc/runit/loop",
        "/etc/runit/file",
        "/etc/runit/file/below",
        "/etc/runit/secret/below",
    ] {
        let way = walk(path);
        let _ = writeln!(table, "{path:?}{}", if way.obscure { " (obscure)" } else { "" });
        for place in &way.places {
            let purpose = match &place.purpose {
                Purpose::Gap(name) => format!("gap for {}", String::from_utf8_lossy(name)),
                other => format!("{other:?}").to_lowercase(),
            };
            let _ = writeln!(table, "    {:<32}{purpose}", place.path.to_str().unwrap());
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn another_link_in_the_same_place_is_another_way() {
    let one = walk("/var/service");
    let tree = tree();
    let other = Way::walk(b"/var/service", |path| match look_in(&tree, path) {
        Look::Link(id, target) => Look::Link(Id { inode: id.inode + 100, ..id }, target),
        look => look,
    });
    assert_ne!(one, other);
    assert_eq!(one, walk("/var/service"));
}

/// The changes after these events on the place of a way with this purpose.
fn changes(way: &Way, purpose: &Purpose, events: &[(ReadFlags, Option<&CStr>)]) -> Changes {
    let place = way.places.iter().find(|place| place.purpose == *purpose).unwrap();
    let mut changes = Changes::default();
    for (flags, name) in events {
        changes.note(Some(place), *flags, *name);
    }
    changes
}

#[test]
fn names_in_the_directory_are_looked_at_one_by_one() {
    let way = walk("/var/service");
    let seen = changes(
        &way,
        &Purpose::End,
        &[
            (ReadFlags::CREATE, Some(c"new")),
            (ReadFlags::ATTRIB, Some(c"new")),
            (ReadFlags::CREATE, Some(c".hidden")),
            (ReadFlags::DELETE, Some(c"link")),
            (ReadFlags::DELETE | ReadFlags::ISDIR, Some(c"dir")),
        ],
    );
    assert_eq!(seen.names, [c"new".to_owned(), c"link".to_owned(), c"dir".to_owned()]);
    assert_eq!(seen.vanished, [c"dir".to_owned()]);
    assert!(!seen.way && !seen.moved_away);
    let moved = changes(&way, &Purpose::End, &[(ReadFlags::MOVED_FROM, Some(c"a"))]);
    assert!(moved.moved_away && moved.names == [c"a".to_owned()]);
}

#[test]
fn what_happens_to_the_way_itself_counts() {
    let way = walk("/var/service");
    for purpose in [Purpose::Passage, Purpose::Turn, Purpose::End] {
        for flags in [
            ReadFlags::MOVE_SELF,
            ReadFlags::DELETE_SELF,
            ReadFlags::ATTRIB,
            ReadFlags::UNMOUNT,
            ReadFlags::IGNORED,
        ] {
            assert!(changes(&way, &purpose, &[(flags, None)]).way, "{purpose:?} {flags:?}");
        }
    }
}

#[test]
fn in_a_gap_only_the_missing_name_counts() {
    let way = walk("/var/missing/later");
    let gap = Purpose::Gap(b"missing".to_vec());
    let create = ReadFlags::CREATE;
    assert_eq!(changes(&way, &gap, &[(create, Some(c"other"))]), Changes::default());
    assert!(changes(&way, &gap, &[(create, Some(c"missing"))]).way);
    assert!(changes(&way, &gap, &[(ReadFlags::DELETE_SELF, None)]).way);
}

#[test]
fn lost_events_count_and_stale_ones_do_not() {
    let mut changes = Changes::default();
    changes.note(None, ReadFlags::IGNORED, None);
    changes.note(None, ReadFlags::CREATE, Some(c"x"));
    assert_eq!(changes, Changes::default());
    changes.note(None, ReadFlags::QUEUE_OVERFLOW, None);
    assert!(changes.way);
}

#[test]
fn each_purpose_asks_for_its_events() {
    let flags =
        |purpose| Place { path: c"/x".into(), id: Id { device: 1, inode: 1 }, purpose }.flags();
    let all = [
        flags(Purpose::Passage),
        flags(Purpose::Turn),
        flags(Purpose::End),
        flags(Purpose::Gap(b"x".to_vec())),
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(one.contains(WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF));
        // A link is watched itself, a directory only if it is one.
        assert_eq!(one.contains(WatchFlags::DONT_FOLLOW), index == 1);
        assert_eq!(one.contains(WatchFlags::ONLYDIR), index != 1);
        assert_eq!(one.contains(WatchFlags::CREATE), index >= 2);
    }
}

#[test]
fn what_is_no_path_leads_nowhere() {
    assert!(walk("").places.is_empty() && !walk("").obscure);
    assert!(walk("/etc/a\0b").obscure);
    let hidden = Way::walk(b"plain", |_| Look::Unknown);
    assert!(hidden.obscure && hidden.places.is_empty());
    assert!(Changes::default().is_empty());
}
