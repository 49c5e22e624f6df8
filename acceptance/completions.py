"""Completes command lines in bash, zsh and fish, as a person does: with the Tab key, in a pseudo-terminal.

python3 -m acceptance.completions --connector target/release/source-dixa --simulator target/release/dixa-simulator
"""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from acceptance.claims import Claims
from acceptance.options import options

# What is typed before Tab, and what the line then holds.
COMPLETED = [
    ("source-dixa dis", "source-dixa discover"),
    ("source-dixa read --cat", "source-dixa read --catalog"),
    ("source-dixa read --quiet --allow", "source-dixa read --quiet --allow-missing-state"),
    ("source-dixa read --streams act", "source-dixa read --streams activity_logs"),
    ("source-dixa read --streams conversations,act", "source-dixa read --streams conversations,activity_logs"),
    ("source-dixa read --streams tags,teams,webh", "source-dixa read --streams tags,teams,webhooks"),
    ("source-dixa read --format sin", "source-dixa read --format singer"),
    ("source-dixa read --config conf", "source-dixa read --config config.json"),
    ("source-dixa check --config conf", "source-dixa check --config config.json"),
    ("source-dixa completions fi", "source-dixa completions fish"),
]
# What is typed before Tab, and what is then offered.
OFFERED = [
    ("source-dixa read --streams conversations,ag", ["agents", "agent_presence"]),
    ("source-dixa re", ["read"]),
]
# The command that starts each shell, and the lines that load the script.
SHELLS = {
    "bash": (["bash", "--norc", "-i"], ["PS1='> '", "source completions.bash"]),
    "zsh": (["zsh", "-f", "-i"], ["PS1='> '", "fpath=($HOME $fpath)", "autoload -U compinit", "compinit -u -D"]),
}
WAIT = 10


def main():
    tools, claims = options(), Claims()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source-dixa").symlink_to(tools.connector)
        (folder / "config.json").write_text("{}")
        for shell, file in (("bash", "completions.bash"), ("zsh", "_source-dixa"), ("fish", "completions.fish")):
            script = subprocess.run([tools.connector, "completions", shell], stdout=subprocess.PIPE, check=True).stdout
            (folder / file).write_bytes(script)
        environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }
        for shell, (command, lines) in SHELLS.items():
            if shutil.which(shell):
                with Terminal(command, folder, environment) as terminal:
                    typed(claims, shell, terminal, lines)
            else:
                print(f"SKIP {shell}: it is not installed")
        if shutil.which("fish"):
            fish(claims, folder, environment)
        else:
            print("SKIP fish: it is not installed")
    return claims.exit_code()


def typed(claims, shell, terminal, lines):
    """Types every line in a shell."""
    for line in lines:
        # The typed line does not hold the word that tells that it has been run.
        terminal.type(f"{line}; echo do''ne\n")
        terminal.until("done")
    for line, expected in COMPLETED:
        terminal.type(line + "\t")
        seen = terminal.until(expected)
        claims.holds(f"{shell}: {line}<Tab>", expected in seen, repr(seen))
        terminal.type("\x15")
    for line, expected in OFFERED:
        terminal.type(line + "\t\t\t")
        seen = terminal.until(*expected)
        claims.holds(f"{shell}: {line}<Tab><Tab><Tab>", all(name in seen for name in expected), repr(seen))
        terminal.type("\x15")


def fish(claims, folder, environment):
    """Asks fish, which can say what it would offer."""
    for line, expected in [*COMPLETED, *((line, names) for line, names in OFFERED)]:
        command = ["fish", "--no-config", "-c", "source completions.fish; complete -C $argv[1]", line]
        ran = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        offered = [row.split("\t")[0] for row in ran.stdout.splitlines()]
        if isinstance(expected, str):
            claims.equal(f"fish: {line}<Tab>", offered, [expected.rsplit(" ", 1)[1]])
        else:
            found = {word.rsplit(",", 1)[-1] for word in offered}
            claims.equal(f"fish: {line}<Tab>", found, set(expected))


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, command, folder, environment):
        self.command, self.folder, self.environment = command, folder, environment

    def __enter__(self):
        self.controller, user = pty.openpty()
        fcntl.ioctl(user, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.process = subprocess.Popen(
            self.command,
            stdin=user,
            stdout=user,
            stderr=user,
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
        )
        os.close(user)
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        os.close(self.controller)

    def type(self, text):
        os.write(self.controller, text.encode())

    def until(self, *parts):
        """What the screen shows from now on until it has these parts, or for ten seconds."""
        seen, end = "", time.monotonic() + WAIT
        while not all(part in seen for part in parts) and time.monotonic() < end:
            if select.select([self.controller], [], [], 0.2)[0]:
                seen += os.read(self.controller, 65536).decode(errors="replace")
                # Codes that move or colour, and the bell.
                seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x07", "", seen)
        return seen


if __name__ == "__main__":
    sys.exit(main())
