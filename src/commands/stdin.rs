//! Standard input as a file that an option refers to as `-`.

use std::io;

use crate::stdio::StandardStream;

/// Standard input, to be read from here on; an error, if it is closed.
pub fn open() -> io::Result<StandardStream> {
    let stdin = StandardStream::stdin()?;
    if stdin.is_closed_or_null()? {
        return Err(io::Error::other("it is closed, or /dev/null"));
    }
    Ok(stdin)
}
