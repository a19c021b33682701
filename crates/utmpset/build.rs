//! Links `utmpset`.

fn main() {
    runit_build::link(runit_build::Statics::None);
}
