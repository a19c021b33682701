//! Directories that are removed.

use super::*;

#[test]
fn a_removed_directory_is_another_even_with_the_same_inode() {
    let mut world = World::default();
    world.scan(&[("a", 1)]);
    world.act();
    world.plan.vanish(&c("a"), world.now);
    world.see("a", Seen::Directory(id(1)));
    world.plan.settle();
    assert_eq!(world.act(), ["stop 1"]);
    assert_eq!(world.wait(2000), NONE);
    assert_eq!(world.end(1), ["start a as 2"]);
    world.plan.vanish(&c("no such name"), world.now);
    assert_eq!(world.act(), NONE);
}

#[test]
fn one_that_is_told_although_it_has_another_name_is_told_again_without() {
    let mut world = World::default();
    world.scan(&[("a", 1), ("b", 1)]);
    world.act();
    world.plan.vanish(&c("a"), world.now);
    assert_eq!(world.act(), ["stop 1"]);
    // A command has kept it.
    world.scan(&[]);
    assert_eq!(world.act(), ["stop 1"]);
    world.scan(&[]);
    assert_eq!(world.act(), NONE);
}
