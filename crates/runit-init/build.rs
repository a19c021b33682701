//! Links `runit` and `runit-init`.

fn main() {
    runit_build::code_on_own_page("runit");
    runit_build::link(runit_build::Statics::None);
}
