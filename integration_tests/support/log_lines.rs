//! The wait times in the last log line of a stream or of a read.

/// The seconds of waiting for the rate limit, for Dixa, and for the reader of the output.
pub fn waited(line: &str) -> [f64; 3] {
    ["for the rate limit", "for Dixa", "for the output's reader"].map(|cause| {
        let (before, _) = line.split_once(&format!(" s {cause}")).expect(cause);
        before.rsplit(' ').next().unwrap().parse().unwrap()
    })
}
