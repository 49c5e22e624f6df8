//! The source files of the repository: their modules, imports, functions and code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            files.extend(rust_files(entry.to_str().unwrap()));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files
}

/// Expands the braces of a `use` statement: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn expand(front: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((before, rest)) = tree.split_once('{') else {
        paths.push(format!("{front}{}", tree.trim()));
        return;
    };
    let front = format!("{front}{}", before.trim());
    let inside = rest.rsplit_once('}').unwrap().0;
    let (mut depth, mut start) = (0, 0);
    for (place, character) in inside.char_indices().chain([(inside.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&front, &inside[start..place], paths);
                start = place + 1;
            }
            _ => {}
        }
    }
}

/// The paths of the `use` statements of a module within its crate, from the root of the crate.
fn used_paths(module: &[String], text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for statement in ["\nuse ", "\npub use ", "\npub(crate) use "] {
        for rest in text.split(statement).skip(1) {
            expand("", rest.split(';').next().unwrap(), &mut paths);
        }
    }
    let from_root = |path: &String| {
        let mut words = path.split("::");
        let mut absolute = match words.next()? {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module.split_last()?.1.to_vec(),
            first if module.is_empty() => vec![first.to_owned()],
            _ => return None,
        };
        for word in words {
            match word {
                "super" => drop(absolute.pop()),
                _ => absolute.push(word.to_owned()),
            }
        }
        Some(absolute)
    };
    paths.iter().filter_map(from_root).collect()
}

/// The modules of a crate, each with the modules that it imports from.
pub fn import_graph(folder: &Path) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let files = rust_files(folder.to_str().unwrap());
    let modules_have_lib = folder.join("lib.rs").exists();
    let module = |file: &PathBuf| -> Vec<String> {
        let path = file.strip_prefix(folder).unwrap().with_extension("");
        let words = path
            .components()
            .map(|part| part.as_os_str().to_str().unwrap().to_owned());
        let mut words: Vec<_> = words.collect();
        let is_root = words == ["lib"] || (words == ["main"] && !modules_have_lib);
        if is_root || words.last().is_some_and(|last| last == "mod") {
            words.pop();
        }
        words
    };
    let modules: BTreeSet<_> = files.iter().map(module).collect();
    let imported = |module: &Vec<String>, mut path: Vec<String>| {
        while !modules.contains(&path) {
            path.pop()?;
        }
        (path != *module).then_some(path)
    };
    let node = |file: &PathBuf| {
        let (module, text) = (module(file), fs::read_to_string(file).unwrap());
        let paths = used_paths(&module, &text).into_iter();
        let imports = paths.filter_map(|path| imported(&module, path)).collect();
        (module, imports)
    };
    files.iter().map(node).collect()
}

/// The sources of the connector and of each crate.
pub fn source_folders() -> Vec<PathBuf> {
    let crates = fs::read_dir("crates").unwrap();
    let crates = crates.map(|entry| entry.unwrap().path().join("src"));
    [PathBuf::from("src")].into_iter().chain(crates).collect()
}

/// The lines of a file before its unit tests.
pub fn lines_of_code(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    code.lines().map(str::to_owned).collect()
}

/// The functions of a file with their lengths in lines. Relies on the indentation of rustfmt.
pub fn functions(lines: &[String]) -> Vec<(String, usize)> {
    let mut functions = Vec::new();
    let mut open: Option<(usize, usize, String)> = None;
    for (number, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let head = code.split('(').next().unwrap_or_default();
        let words: Vec<_> = head.split(' ').collect();
        if let Some(at) = words.iter().position(|word| *word == "fn")
            && !code.starts_with("//")
        {
            open = Some((number, indent, words[at..].join(" ")));
        }
        if let Some((begin, outer, name)) = &open
            && indent == *outer
            && line.trim_end().ends_with('}')
        {
            functions.push((name.clone(), number - begin + 1));
            open = None;
        }
    }
    functions
}

/// Code without comments and tests.
pub fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}
