//! Opens and reads the files that the command line names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::commands::stdin;
use crate::failure::Failure;

/// A file that was opened, or standard input if the path is `-`, and what to call it.
pub struct Source {
    pub name: String,
    pub input: Box<dyn Read>,
}

/// Opens a file named on the command line.
pub fn open(path: &Path, what: &str) -> Result<Source, Failure> {
    if path.as_os_str() == "-" {
        let name = "standard input".to_owned();
        return match stdin::open() {
            Ok(stdin) => Ok(Source {
                name,
                input: Box::new(stdin),
            }),
            Err(error) => Err(unreadable(what, &name, &error)),
        };
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => Ok(Source {
            name,
            input: Box::new(file),
        }),
        Err(_) if name.trim_start().starts_with(['{', '[']) => Err(Failure::config(format!(
            "`--{what}` expects a file path, but the value looks like inline JSON."
        ))),
        Err(error) => Err(unreadable(what, &name, &error)),
    }
}

fn unreadable(what: &str, name: &str, error: &io::Error) -> Failure {
    Failure::config(format!("The {what} file {name} cannot be read: {error}."))
}

/// What `parse` makes of the text of a file that is no longer than this; a failure names the file.
pub fn load<T>(
    path: &Path,
    what: &str,
    most_mib: u64,
    parse: impl FnOnce(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Source { name, input } = open(path, what)?;
    let most = most_mib << 20;
    let mut bytes = Vec::new();
    let read = input.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(what, &name, &error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::config(format!(
            "The {what} file {name} is not a {what}: it is larger than {most_mib} MiB."
        )));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::config(format!("The {what} file {name} is not UTF-8 text.")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    parse(text).map_err(|failure| failure.context(&name))
}
