//! How the module is linked.

fn main() {
    // Numbers of functions and addresses take five bytes each where the linker leaves room for any: a sixteenth of the
    // module.
    println!("cargo:rustc-cdylib-link-arg=--compress-relocations");
    println!("cargo:rerun-if-changed=build.rs");
}
