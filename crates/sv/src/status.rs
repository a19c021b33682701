//! `status` and `list`: looks at services and tells what there is to see.

use runit_core::tai::Tai64n;
use runit_rt::errtext;

use crate::client::{Trouble, View};
use crate::console::{Console, complain};
use crate::directory::Service;
use crate::json;
use crate::place::{LOG, Place, SERVICE};
use crate::render::{PartOf, Text};

/// How much is kept before it is written.
const ENOUGH: usize = 1 << 16;

/// How to tell the state of services.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// As JSON, not as lines.
    pub as_json: bool,
    /// For `list`, the directory of those that are not enabled.
    pub source: Option<&'a [u8]>,
    /// The time.
    pub now: Tai64n,
}

impl Form<'_> {
    /// Tells the state of each service. Gives what was seen of the last one.
    #[inline(never)]
    pub fn show<'a>(
        self,
        services: &[Service<'a>],
        place: &mut Place<'_>,
        console: &mut Console<'a>,
    ) -> View {
        let mut view = View::default();
        let mut text = Text::new();
        let mut between = "[\n";
        let mut rest = services.iter();
        while let Some(service) = rest.next() {
            match self.source {
                // The same follows, and is enabled.
                Some(_) if rest.as_slice().first().is_some_and(|s| s.name == service.name) => {
                    continue;
                }
                Some(source) if !service.enabled => place.enter_at(source, service.name),
                _ => place.enter(service.name),
            }
            if self.as_json {
                text.add(between);
                between = ",\n";
            }
            self.one(service, place, &mut view, &mut text, console);
            if text.bytes.len() > ENOUGH {
                console.print(&text);
                text.bytes.clear();
            }
        }
        if self.as_json {
            text.add(if services.is_empty() { "[]\n" } else { "\n]\n" });
        }
        console.print(&text);
        view
    }

    /// Tells of a service and its log service; leaves what was seen of the
    /// service in `view`.
    #[inline(never)]
    fn one<'a>(
        self,
        service: &Service<'a>,
        place: &mut Place<'_>,
        view: &mut View,
        text: &mut Text,
        console: &mut Console<'a>,
    ) {
        view.look(place, &SERVICE);
        let is_absent = view.trouble.is_some_and(Trouble::is_absence);
        let list = self.source.is_some();
        if list && !self.as_json {
            text.add(if service.enabled { "enabled: " } else { "disabled: " });
        }
        if list && !self.as_json && !service.enabled && is_absent {
            text.name(service.name);
        } else {
            self.part(service, PartOf::Service, place, view, text, console);
        }
        let mut log = View::default();
        if view.trouble.is_none() {
            log.look(place, &LOG);
        }
        let has_log = view.trouble.is_none() && !log.is_no_log();
        if self.as_json {
            text.add(if has_log { ",\"log\":" } else { ",\"log\":null" });
        } else if has_log {
            text.add("; ");
        }
        if has_log {
            self.part(service, PartOf::Log, place, &log, text, console);
        }
        if self.as_json {
            text.add(if has_log { "}}" } else { "}" });
        } else {
            text.add("\n");
        }
    }

    /// Tells of a service or its log service. Trouble is a failure of `status`,
    /// but news to `list`.
    #[inline(never)]
    fn part<'a>(
        self,
        service: &Service<'a>,
        part: PartOf,
        place: &mut Place<'_>,
        view: &View,
        text: &mut Text,
        console: &mut Console<'a>,
    ) {
        if let (Some(trouble), None) = (view.trouble, self.source) {
            console.count(service.name, trouble);
        }
        if let (None, Some(error)) = (view.trouble, view.down_error) {
            let file = if part == PartOf::Log { "/log/down" } else { "/down" };
            complain("warning: unable to stat ", service.name, file, errtext::local(error));
        }
        if self.as_json {
            json::start(text, service.name, place.directory(), part);
            if let (PartOf::Service, Some(_)) = (part, self.source) {
                json::boolean(text, ",\"enabled\":", service.enabled);
            }
            json::view(text, view, self.now);
        } else {
            text.view(service.name, part, view, self.now);
        }
    }
}
