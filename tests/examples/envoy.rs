//! Prints the path of the Envoy that the suites run, after downloading it if need be.

fn main() {
    println!("{}", support::envoy::path().display());
}
