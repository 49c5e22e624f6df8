//! The scripts by which shells complete the command line: those of clap, and what clap cannot express, a list of streams with
//! commas between them.

use clap::{CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

use crate::cli::Arguments;
use crate::streams::table::STREAMS;

/// The name that the scripts complete.
const PROGRAM: &str = "source-dixa";
/// How the name is written in two places of the script for bash, which have to agree.
const TORN_NAME: &str = "source__subcmd__dixa";
const WHOLE_NAME: &str = "source__dixa";

/// The script for a shell.
pub fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), PROGRAM, &mut script);
    // In bash, clap takes the hyphen of the name for one of its own separators, and then finds no subcommand.
    let script = String::from_utf8_lossy(&script).replace(TORN_NAME, WHOLE_NAME);
    match stream_list(shell) {
        Some(Patch { clap, ours, after }) => script.replacen(&clap, &ours, 1) + &after,
        None => script,
    }
}

/// What clap writes for `--streams`, what is there instead, and what follows the script.
struct Patch {
    clap: String,
    ours: String,
    after: String,
}

fn stream_list(shell: Shell) -> Option<Patch> {
    let names: Vec<_> = STREAMS.iter().map(|stream| stream.name).collect();
    let names = names.join(" ");
    let shells: Vec<_> = Shell::value_variants()
        .iter()
        .map(Shell::to_string)
        .collect();
    let (clap, ours, after) = match shell {
        // What stands before the last comma is a prefix of every candidate.
        Shell::Bash => (
            "--streams)\n                    COMPREPLY=($(compgen -f \"${cur}\"))".to_owned(),
            format!(
                "--streams)\n                    local listed=\"\"\n                    \
                 [[ ${{cur}} == *,* ]] && listed=\"${{cur%,*}},\"\n                    \
                 COMPREPLY=($(compgen -P \"${{listed}}\" -W \"{names}\" -- \"${{cur##*,}}\"))"
            ),
            String::new(),
        ),
        Shell::Zsh => (
            ":NAME,…:_default'".to_owned(),
            format!(":NAME,…:_sequence compadd - {names}'"),
            String::new(),
        ),
        Shell::Fish => (
            "-l streams -d 'Read only these streams' -r".to_owned(),
            "-l streams -d 'Read only these streams' -x -a \"(__fish_complete_list , __fish_source_dixa_streams)\""
                .to_owned(),
            format!(
                "\nfunction __fish_source_dixa_streams\n    string split ' ' -- '{names}'\nend\n\n\
                 complete -c {PROGRAM} -n \"__fish_source_dixa_using_subcommand completions\" -a \"{}\"\n\n\
                 # No argument is a file unless it is the value of an option.\ncomplete -c {PROGRAM} -f\n",
                shells.join(" ")
            ),
        ),
        _ => return None,
    };
    Some(Patch { clap, ours, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A newer clap may write another script, and then acceptance/completions.py shows what it takes to patch that.
    #[test]
    fn the_scripts_hold_what_is_replaced() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut of_clap = Vec::new();
            generate(shell, &mut Arguments::command(), PROGRAM, &mut of_clap);
            let of_clap = String::from_utf8(of_clap).unwrap();
            let patch = stream_list(shell).unwrap();
            assert_eq!(of_clap.matches(&patch.clap).count(), 1, "{shell}");
            assert!(shell != Shell::Bash || of_clap.contains(TORN_NAME));
            assert!(script(shell).contains("activity_logs"), "{shell}");
        }
    }
}
