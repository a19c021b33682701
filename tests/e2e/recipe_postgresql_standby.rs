//! `examples/postgresql-standby`: a primary, and a standby in memory that follows it.

use std::path::Path;

use runit_tests::dirs::{TempDir, create_dir};
use runit_tests::prelude::*;
use runit_tests::recipe::{Recipe, account_or, give, id, log_of, wait_log};
use runit_tests::run::{Ran, is_root};

/// The ports that the names of the sockets have.
const PRIMARY: &str = "5432";
const STANDBY: &str = "5433";

struct Pair {
    recipe: Recipe,
    primary: Service,
    standby: Service,
    memory: TempDir,
}

impl Pair {
    fn new() -> Self {
        let account = account_or("postgres");
        let mut recipe = Recipe::copy("postgresql-standby");
        let memory = TempDir::new_in(Path::new("/dev/shm"));
        for dir in ["data", "s"] {
            create_dir(&recipe.path(dir));
        }
        if is_root() {
            let (user, group) = (id("-u", &account), id("-g", &account));
            for dir in [&recipe.path("data"), &recipe.path("s"), memory.path()] {
                give(dir, user, group);
            }
        }
        recipe.set("PGUSER", account);
        recipe.set("PRIMARY", recipe.path("data/primary"));
        recipe.set("STANDBY", memory.path().join("standby"));
        recipe.set("SOCKETS", recipe.path("s"));
        recipe.set("PRIMARY_PORT", PRIMARY);
        recipe.set("STANDBY_PORT", STANDBY);
        let found = recipe.run("sh").args(["-c", ". ./conf; [ -x \"$PGBIN/initdb\" ]"]).run();
        assert_eq!(found.code, 0, "no PostgreSQL (Debian: apt-get install postgresql): {found:?}");
        recipe.start(&["primary", "standby"]);
        let [primary, standby] = ["primary", "standby"].map(|name| recipe.service(name));
        Self { recipe, primary, standby, memory }
    }

    /// What `psql` answers, as the recipe itself asks it.
    fn psql(&self, port: &str, query: &str) -> Ran {
        let script = ". ./conf; ask \"$1\" \"$2\"";
        self.recipe.run("sh").args(["-c", script, "sh", port, query]).run()
    }

    /// Executes it on the primary, where it must succeed.
    #[track_caller]
    fn write(&self, query: &str) {
        let ran = self.psql(PRIMARY, query);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{query}: {ran:?}");
    }

    /// Waits until the standby knows the table to hold these, joined by commas.
    #[track_caller]
    fn wait_read(&self, wanted: &str) {
        wait_until(&format!("the standby to answer {wanted}"), || {
            let ran = self.psql(STANDBY, "SELECT string_agg(word, ',' ORDER BY word) FROM words");
            if ran.code == 0 && ran.stdout == format!("{wanted}\n") {
                Ok(())
            } else {
                Err(format!("{ran:?}\n{}", log_of(&self.standby)))
            }
        });
    }

    /// Waits until both answer and one follows the other.
    #[track_caller]
    fn wait_both(&self) {
        self.recipe.wait_ready("primary");
        self.recipe.wait_ready("standby");
    }

    /// How often the standby was made.
    fn copies(&self) -> usize {
        log_of(&self.standby).matches("made a copy of the primary").count()
    }
}

#[test]
fn the_standby_follows_the_primary() {
    let pair = Pair::new();
    wait_until("the primary's data", || pair.recipe.path("data/primary/PG_VERSION").exists());
    wait_log(&pair.primary, "ready to accept connections");
    pair.recipe.wait_ready("primary");
    wait_log(&pair.standby, "ready to accept read-only connections");
    pair.wait_both();

    // Written here, read there.
    pair.write("CREATE TABLE words (word text)");
    pair.write("INSERT INTO words VALUES ('one')");
    pair.wait_read("one");
    assert!(pair.memory.path().join("standby/PG_VERSION").exists());
    // And not written there.
    let refused = pair.psql(STANDBY, "INSERT INTO words VALUES ('wrong')");
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("in a read-only transaction"), "{refused:?}");

    // The primary is restarted: so is the standby, and it follows again, with what it has.
    let before = pair.standby.wait_state(State::Run);
    let said = pair.recipe.sv(&["restart", "primary"]);
    assert!(said.starts_with("ok: run: primary: "), "{said}");
    pair.standby.wait_run_again(&before);
    pair.wait_both();
    pair.write("INSERT INTO words VALUES ('two')");
    pair.wait_read("one,two");
    assert_eq!(pair.copies(), 1, "{}", log_of(&pair.standby));

    // It is killed, which PostgreSQL recovers from: the same.
    let [primary, standby] =
        [&pair.primary, &pair.standby].map(|service| service.wait_state(State::Run));
    pair.recipe.sv(&["kill", "primary"]);
    pair.primary.wait_run_again(&primary);
    pair.standby.wait_run_again(&standby);
    pair.wait_both();
    pair.write("INSERT INTO words VALUES ('zero')");
    pair.wait_read("one,two,zero");
    assert_eq!(pair.copies(), 1, "{}", log_of(&pair.standby));

    // What was in memory is gone, as after a boot: it is made anew.
    pair.recipe.sv(&["stop", "standby"]);
    std::fs::remove_dir_all(pair.memory.path().join("standby")).unwrap();
    pair.write("INSERT INTO words VALUES ('three')");
    pair.recipe.sv(&["up", "standby"]);
    wait_until("another copy", || pair.copies() == 2);
    pair.wait_both();
    pair.wait_read("one,three,two,zero");

    // Another standby has the name, so to speak: without its slot it may have missed something.
    pair.recipe.sv(&["stop", "standby"]);
    // The primary hears of the standby's end by itself, and refuses until then.
    wait_until("the slot to be free", || {
        let ran = pair.psql(PRIMARY, "SELECT active FROM pg_replication_slots");
        if ran.stdout == "f\n" { Ok(()) } else { Err(format!("{ran:?}")) }
    });
    pair.write("SELECT pg_drop_replication_slot('standby')");
    pair.write("DELETE FROM words WHERE word <> 'one'");
    pair.recipe.sv(&["up", "standby"]);
    wait_until("a third copy", || pair.copies() == 3);
    pair.wait_both();
    pair.wait_read("one");
    pair.recipe.end();
}
