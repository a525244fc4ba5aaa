//! Says when the crate must be built again: when the console's bundle comes, changes or goes.

fn main() {
    // The folder is always there (it holds its own `.gitignore`), so a build without a bundle is not repeated each time.
    println!("cargo:rerun-if-changed=console-dist");
    println!("cargo:rerun-if-changed=build.rs");
}
