//! `status` and `list`: looks at services and tells what there is to see.

use runit_core::tai::Tai64n;
use runit_rt::clock;
use runit_rt::errtext::text;

use crate::client::{Part, Report, Trouble};
use crate::console::{Console, complain};
use crate::directory::Service;
use crate::json;
use crate::place::Place;
use crate::render::Text;

/// How much is kept before it is written.
const ENOUGH: usize = 1 << 16;

/// How to tell the state of services.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// As JSON, not as lines.
    pub as_json: bool,
    /// For `list`, the directory of those that are not enabled.
    pub source: Option<&'a [u8]>,
}

impl Form<'_> {
    /// Tells the state of each service. Gives what was seen of the last one.
    pub fn show<'a>(
        self,
        services: &'a [Service],
        place: &mut Place<'_>,
        console: &mut Console<'a>,
    ) -> Option<Report> {
        let now = Tai64n::from_unix(clock::realtime());
        let mut text = Text::new();
        let mut last = None;
        let mut rest = services.iter();
        while let Some(service) = rest.next() {
            match self.source {
                // The same follows, and is enabled.
                Some(_) if rest.as_slice().first().is_some_and(|s| s.name == service.name) => {
                    continue;
                }
                Some(source) if !service.enabled => place.enter_at(source, &service.name),
                _ => place.enter(&service.name),
            }
            let report = Report::of(place);
            self.note(service, &report, console);
            if self.as_json {
                text.add(if last.is_none() { "[\n" } else { ",\n" });
                let enabled = self.source.map(|_| service.enabled);
                json::entry(&mut text, &service.name, place.directory(), enabled, &report, now);
            } else {
                self.line(&mut text, service, &report, now);
            }
            last = Some(report);
            if text.bytes.len() > ENOUGH {
                console.print(&text);
                text.bytes.clear();
            }
        }
        if self.as_json {
            text.add(if last.is_none() { "[]\n" } else { "\n]\n" });
        }
        console.print(&text);
        last
    }

    /// Counts the failures of `status`, to which trouble is one, as it is not
    /// to `list`; and warns of what is part of neither.
    fn note<'a>(self, service: &'a Service, report: &Report, console: &mut Console<'a>) {
        for (part, file) in [(Some(&report.service), "/down"), (report.log.as_ref(), "/log/down")] {
            match part {
                Some(Err(trouble)) if self.source.is_none() => {
                    console.count(&service.name, *trouble);
                }
                Some(Ok(Part { normally: Err(error), .. })) => {
                    complain("warning: unable to stat ", &service.name, file, text(*error));
                }
                _ => {}
            }
        }
    }

    /// A line of `status`; for `list`, behind `enabled: ` or `disabled: `, and
    /// only the name of a disabled service that has no supervisor.
    fn line(self, text: &mut Text, service: &Service, report: &Report, now: Tai64n) {
        if self.source.is_some() {
            text.add(if service.enabled { "enabled: " } else { "disabled: " });
            if !service.enabled && report.service.is_err_and(Trouble::is_absence) {
                text.name(&service.name);
                text.add("\n");
                return;
            }
        }
        text.status(&service.name, report, now);
    }
}
