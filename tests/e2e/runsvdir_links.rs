//! What `runsvdir` does when the directory, or the way to it, is replaced.

use std::fs;
use std::os::unix::fs::symlink;

use runit_tests::prelude::*;
use runit_tests::protocol::Supervised;
use runit_tests::tree::Tree;

#[test]
fn a_directory_that_is_replaced_under_its_name() {
    let tree = Tree::new();
    let old = tree.add("one");
    let new = tree.make("one.new", ServiceDirBuilder::sleeper());
    let _runsvdir = tree.scan();
    let before = old.wait_running("sleep").process().unwrap();
    symlink("../sv/one.new", tree.service().join(".new")).unwrap();
    fs::rename(tree.service().join(".new"), tree.service().join("one")).unwrap();
    before.wait_for_end();
    old.wait_unsupervised();
    new.wait_running("sleep");
}

#[test]
fn a_directory_that_is_replaced_as_an_upgrade_does_it() {
    let tree = Tree::new();
    let dir = tree.service().join("one");
    ServiceDirBuilder::sleeper().build_in(&dir);
    let new = tree.make("one.new", ServiceDirBuilder::sleeper());
    let runsvdir = tree.scan();
    let before = Supervised::new(&dir).wait_running("sleep").process().unwrap();
    fs::rename(&dir, tree.service().join(".one.old")).unwrap();
    fs::rename(new.path(), &dir).unwrap();
    before.wait_for_end();
    Supervised::new(tree.service().join(".one.old")).wait_unsupervised();
    Supervised::new(&dir).wait_running("sleep");
    assert_eq!(runsvdir.runsv_names(), ["one"]);
}

#[test]
fn any_link_on_the_way_may_be_replaced() {
    // service -> way/current -> default, as runsvchdir has it.
    let tree = Tree::new();
    let old = ServiceDirBuilder::sleeper().build_in(tree.path("way/default/old"));
    let new = ServiceDirBuilder::sleeper().build_in(tree.path("way/single/new"));
    symlink("default", tree.path("way/current")).unwrap();
    fs::remove_dir(tree.service()).unwrap();
    symlink("way/current", tree.service()).unwrap();
    // Kept in both.
    let both = tree.make("both", ServiceDirBuilder::sleeper());
    for dir in ["default", "single"] {
        symlink(both.path(), tree.path("way").join(dir).join("both")).unwrap();
    }
    let mut runsvdir = tree.scan();
    old.wait_running("sleep");
    let before = both.wait_running("sleep");

    symlink("single", tree.path("way/current.new")).unwrap();
    fs::rename(tree.path("way/current.new"), tree.path("way/current")).unwrap();
    new.wait_running("sleep");
    old.wait_unsupervised();
    assert_eq!(both.status(), before);

    // The first link now, to a directory further on.
    let third = ServiceDirBuilder::sleeper().build_in(tree.path("third/service"));
    symlink("third", tree.path("service.new")).unwrap();
    fs::rename(tree.path("service.new"), tree.service()).unwrap();
    third.wait_running("sleep");
    new.wait_unsupervised();
    both.wait_unsupervised();

    // And back, by taking the link away first.
    fs::remove_file(tree.service()).unwrap();
    symlink("way/current", tree.service()).unwrap();
    new.wait_running("sleep");
    both.wait_running("sleep");
    third.wait_unsupervised();
    assert!(runsvdir.lives());
}

#[test]
fn the_directory_itself_may_be_replaced() {
    let tree = Tree::new();
    let old = tree.add("old");
    let runsvdir = tree.scan();
    old.wait_running("sleep");
    let new = ServiceDirBuilder::sleeper().build_in(tree.path("next/new"));
    fs::rename(tree.service(), tree.path("before")).unwrap();
    fs::rename(tree.path("next"), tree.service()).unwrap();
    Supervised::new(tree.service().join("new")).wait_running("sleep");
    old.wait_unsupervised();
    assert_eq!(runsvdir.runsv_names(), ["new"]);
    drop(new);
}

#[test]
fn a_directory_above_may_be_replaced() {
    let tree = Tree::new();
    let old = ServiceDirBuilder::sleeper().build_in(tree.path("a/service/old"));
    let _new = ServiceDirBuilder::sleeper().build_in(tree.path("b/service/new"));
    let _runsvdir = Launch::new("runsvdir").arg(tree.path("a/service")).spawn();
    old.wait_running("sleep");
    fs::rename(tree.path("a"), tree.path("c")).unwrap();
    fs::rename(tree.path("b"), tree.path("a")).unwrap();
    Supervised::new(tree.path("a/service/new")).wait_running("sleep");
    Supervised::new(tree.path("c/service/old")).wait_unsupervised();
}

#[test]
fn a_relative_directory() {
    let tree = Tree::new();
    let one = tree.add("one");
    let runsvdir = Launch::new("runsvdir").arg("service").cwd(tree.path("")).spawn();
    one.wait_running("sleep");
    tree.wait_for_scan("zz");
    fs::remove_file(tree.service().join("one")).unwrap();
    one.wait_unsupervised();
    assert_eq!(runsvdir.stderr(), "");
}
