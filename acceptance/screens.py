"""Runs `check` and `read` in a pseudo-terminal and writes their screens into README.md. Needs the package pyte.

python3 -m acceptance.screens --connector target/release/source-dixa --simulator target/release/dixa-simulator
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte

from acceptance.options import ROOT, options
from acceptance.simulator import Simulator

COLUMNS, LINES = 110, 20


def main():
    tools = options()
    with Simulator(tools.simulator, "--days", "200", "--conversations", "20000", "--latency-ms", "300") as dixa:
        url = dixa.url
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "config.json"
            file.write_text(json.dumps(dixa.config))
            screens = {
                "check": screen([tools.connector, "check", "--config", file], 30),
                "read": screen(
                    [
                        tools.connector,
                        "read",
                        "--config",
                        file,
                        "--streams",
                        "conversations,messages,endusers,knowledge_articles",
                    ],
                    9,
                ),
            }
    readme = (ROOT / "README.md").read_text()
    for name, shown in screens.items():
        text = shown
        # As a person would see Dixa's hosts.
        for local, public in (
            (url, "https://…"),
            ("Exports API (127.0.0.1)", "Exports API (exports.dixa.io)"),
            ("main API (127.0.0.1)", "main API (dev.dixa.io)"),
        ):
            text = text.replace(local, public)
        readme = replaced(readme, name, text)
    (ROOT / "README.md").write_text(readme)


def replaced(readme, name, text):
    """The README with this text as the screen of this name, indented as its markers are."""
    block = [f"<!-- screen {name} -->", "```text", *text.split("\n"), "```", "<!-- /screen -->"]
    marks = rf"^( *)<!-- screen {name} -->.*?<!-- /screen -->"
    readme, found = re.subn(marks, lambda mark: "\n".join(mark[1] + line for line in block), readme, flags=re.S | re.M)
    if not found:
        sys.exit(f"README.md has no markers for the screen {name}")
    return readme


def screen(command, seconds):
    """The lines on the screen after this many seconds, or at the end if that is sooner."""
    controller, user = pty.openpty()
    fcntl.ioctl(user, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=user, env=environment)
    os.close(user)
    shown = pyte.Screen(COLUMNS, LINES)
    shown.set_mode(pyte.modes.LNM)
    stream = pyte.ByteStream(shown)
    end = time.monotonic() + seconds
    while time.monotonic() < end and select.select([controller], [], [], end - time.monotonic())[0]:
        try:
            stream.feed(os.read(controller, 65536))
        except OSError:
            break
    process.kill()
    process.wait()
    return "\n".join(line.rstrip() for line in shown.display).strip("\n")


if __name__ == "__main__":
    main()
