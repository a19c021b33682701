//! Links `svlog`.

fn main() {
    runit_build::link(runit_build::Statics::Writable);
}
