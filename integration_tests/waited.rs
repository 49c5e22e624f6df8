//! What the line at the end of a stream, or of a read, says of its waits.

/// The seconds that a line says were waited for: the rate limit, Dixa, and the reader of the output.
pub fn waited(line: &str) -> [f64; 3] {
    ["for the rate limit", "for Dixa", "for the reader"].map(|cause| {
        let (before, _) = line.split_once(&format!(" s {cause}")).expect(cause);
        before.rsplit(' ').next().unwrap().parse().unwrap()
    })
}
