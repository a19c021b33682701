//! Each shell is really asked, with the files as they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::files;
use crate::workspace::Workspace;

/// The files for one shell in a directory of their own, and services to be found.
struct Place(PathBuf);

impl Place {
    fn new(shell: &str) -> Self {
        let base = std::env::temp_dir().join(format!("runit-{shell}-{}", std::process::id()));
        for file in files(&Workspace::locate()).unwrap() {
            let path = base.join(&file.name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, file.text).unwrap();
        }
        for service in ["run/web/log", "run/worker", "levels/single", "run/a b", "all/archive"] {
            std::fs::create_dir_all(base.join("service").join(service)).unwrap();
        }
        std::fs::write(base.join("service/run/file"), "").unwrap();
        Self(base)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What the shell's script answers, a line each.
    fn ask(&self, program: &str, script: &str, arguments: &[&str]) -> Vec<String> {
        let mut command = Command::new(program);
        match program {
            "bash" => command.args(["--norc", "--noprofile"]),
            "zsh" => command.arg("-f"),
            _ => command.arg("--no-config"),
        };
        command.args(["-c", script]);
        if program != "fish" {
            command.arg(program);
        }
        let output = command
            .args(arguments)
            .env("SVDIR", self.path("service/run"))
            .env("RUNSVDIR", self.path("service/levels"))
            .env("SVSRC", self.path("service/all"))
            .env("HOME", &self.0)
            .env("RESULT", self.path("result"))
            .current_dir(self.path("service"))
            .output();
        let output = output.unwrap_or_else(|error| panic!("{program} must be installed: {error}"));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut lines: Vec<_> = said.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.sort();
        lines.dedup();
        lines
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What every shell is to answer: the line, what must be there, what must not.
const QUESTIONS: &[(&str, &[&str], &[&str])] = &[
    ("sv st", &["start", "status", "stop"], &["restart", "web", "list"]),
    ("sv try", &["try-restart"], &["term"]),
    ("sv -w 5 --json sta", &["start", "status"], &["5"]),
    ("sv restart w", &["web", "worker"], &["file", "archive", "restart"]),
    ("sv stop web w", &["web", "worker"], &["stop"]),
    ("sv stop web/", &["web/log"], &["worker"]),
    ("sv enable a", &["archive"], &["web"]),
    ("sv --j", &["--json"], &["--help"]),
    ("runsvdir --s", &["--stop-on-exit"], &[]),
    ("chpst -u roo", &["root"], &[]),
    ("chpst -v -e ru", &["run"], &[]),
    ("chpst --no-new-privileges -o 4 unam", &["uname"], &["root"]),
    ("setuidgid roo", &["root"], &[]),
    ("setuidgid root unam", &["uname"], &["root"]),
    ("softlimit --h", &["--help"], &[]),
    ("svok a", &["all"], &["archive"]),
    ("svlogd -tt al", &["all"], &[]),
    ("runsvchdir s", &["single"], &["web"]),
    ("utmpset --w", &["--wtmp"], &[]),
    ("svlog -n 5 w", &["web", "worker"], &["status"]),
];

fn compare(shell: &str, mut ask: impl FnMut(&str) -> Vec<String>) {
    for (line, there, absent) in QUESTIONS {
        let found = ask(line);
        let word = |name: &str| found.iter().any(|each| each.trim_end_matches('/') == name);
        for name in *there {
            assert!(word(name), "{shell}: {line}: no {name} in {found:?}");
        }
        for name in *absent {
            assert!(!word(name), "{shell}: {line}: {name} in {found:?}");
        }
    }
}

#[test]
fn bash_completes() {
    let place = Place::new("bash");
    // Calls what is registered for the first word, as bash does.
    let script = r#"
        COMP_WORDS=("${@:2}")
        COMP_CWORD=$(($# - 2))
        . "$1/${COMP_WORDS[0]}" || exit
        call=$(complete -p "${COMP_WORDS[0]}") || exit
        call=${call#*-F }
        "${call%% *}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    // The file of each name: links, once installed.
    for (link, file) in [("setuidgid", "chpst"), ("softlimit", "chpst"), ("svok", "sv")] {
        std::os::unix::fs::symlink(file, place.path("bash").join(link)).unwrap();
    }
    let directory = place.path("bash");
    compare("bash", |line| {
        let mut words = vec![directory.to_str().unwrap()];
        words.extend(line.split(' '));
        place.ask("bash", script, &words)
    });
    let spaces = place.ask("bash", script, &[directory.to_str().unwrap(), "sv", "up", "a"]);
    assert_eq!(spaces, ["a b"]);
    for (words, expected) in [
        (["chpst", "--cgroup", "=", "ru"].as_slice(), "run"),
        (&["chpst", "-ve", "ru"], "run"),
        (&["sv", "--", "stat"], "status"),
        (&["chpst", "-", "-"], ""),
    ] {
        let mut all = vec![directory.to_str().unwrap()];
        all.extend(words);
        let found = place.ask("bash", script, &all);
        assert!(found.iter().any(|each| each == expected), "{words:?}: {found:?}");
    }
}

#[test]
fn zsh_completes() {
    let place = Place::new("zsh");
    // A shell at a terminal of its own; what it offers goes to a file.
    let script = r#"
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "
            PS1= ; fpath=(${(q)1} \$fpath); cd ${(q)PWD}
            autoload -Uz compinit; compinit -u -D
            compadd() {
                local -a offered
                if [[ -z \${argv[(R)-[OAD]]} ]]; then
                    builtin compadd -O offered \"\$@\"
                    print -rl -- \$offered >>\$RESULT
                fi
                builtin compadd \"\$@\"
            }
            ended() { print END >>\$RESULT }
            clear_and() { comppostfuncs=(ended); zle expand-or-complete }
            zle -N clear_and; bindkey '^I' clear_and
            zstyle ':completion:*' users root nobody
            print READY >>\$RESULT
        "
        wait_for() {
            repeat 3000; do
                [[ -e $RESULT && $(<$RESULT) == *$1* ]] && return
                zselect -t 1
            done
            print -u2 "no $1 from zsh"; exit 1
        }
        zmodload zsh/zselect
        wait_for READY
        : >$RESULT
        zpty -w -n shell "$2"$'\t'
        wait_for END
        zpty -d shell
        cat $RESULT
    "#;
    let directory = place.path("zsh");
    compare("zsh", |line| {
        let _ = std::fs::remove_file(place.path("result"));
        place.ask("zsh", script, &[directory.to_str().unwrap(), line])
    });
}

#[test]
fn fish_completes() {
    let place = Place::new("fish");
    compare("fish", |line| {
        let file = match line.split(' ').next().unwrap() {
            "setuidgid" | "softlimit" => "chpst",
            "svok" => "sv",
            name => name,
        };
        let script = "source $argv[1]; complete -C $argv[2] | string replace -r '\\t.*' ''";
        let file = place.path("fish").join(format!("{file}.fish"));
        place.ask("fish", script, &[file.to_str().unwrap(), line])
    });
}

#[test]
fn links_are_there_for_other_names() {
    let files = files(&Workspace::locate()).unwrap();
    let links = |name: &str| &files.iter().find(|file| file.name == name).unwrap().links;
    assert_eq!(links("bash/sv"), &["svc", "svok"]);
    assert_eq!(links("fish/sv.fish"), &["svc.fish", "svok.fish"]);
    assert!(links("zsh/_sv").is_empty());
    assert!(Path::new(&files[0].name).starts_with("bash"));
}
