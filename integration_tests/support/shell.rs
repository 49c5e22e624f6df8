//! Runs a command from a shell, for redirections and pipes.

use std::process::{Command, Output};

/// A bash that runs `line`, in which `"$@"` stands for the command, in the command's environment.
pub fn shell(line: &str, command: &Command) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", line, "bash"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (variable, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(variable, value),
            None => shell.env_remove(variable),
        };
    }
    shell
}

/// What a command wrote to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
