//! How a tool of the suite is linked: static, without libc, in few segments
//! (DESIGN.md section 1). Every tool's build script is one call of [`link`].
#![forbid(unsafe_code)]

use std::env;

/// Whether a tool may have writable data in its file's image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statics {
    /// None: the release linker script asserts that `.data` and `.bss` are
    /// empty, which saves each process the pages that would hold them.
    None,
    /// Allowed, for tools with state that grows (a heap needs its anchor).
    Writable,
}

/// Emits the linker arguments for all binaries of the calling package.
///
/// Debug builds keep the linker's own layout: unoptimised code refers to
/// writable data which the script for [`Statics::None`] refuses.
pub fn link(statics: Statics) {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in ["-nostartfiles", "-nostdlib", "-static", "-no-pie"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    for argument in ["norelro", "noexecstack"] {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,{argument}");
    }
    println!("cargo:rustc-link-arg-bins=-Wl,--build-id=none");
    if env::var("PROFILE").as_deref() == Ok("release") {
        let script = match statics {
            Statics::None => "/readonly.ld",
            Statics::Writable => "/writable.ld",
        };
        let script = format!("{}{script}", env!("CARGO_MANIFEST_DIR"));
        println!("cargo:rerun-if-changed={script}");
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{script}");
    }
}

/// Lets the code of the binary `name`, which is linked for [`Statics::None`], begin on a page of the
/// file of its own. It makes the file larger by up to a page, and the process smaller by one where
/// constants and code each need no page more for it. To be called before [`link`]: GNU ld reads its
/// script with the symbols that it has been told of.
pub fn code_on_own_page(name: &str) {
    println!("cargo:rustc-link-arg-bin={name}=-Wl,--defsym=code_on_own_page=1");
}
