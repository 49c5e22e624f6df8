"""Runs `check` and `read` in a pseudo-terminal. Writes the screen of `check` into README.md, and a picture of that of
`read` into docs/read.svg. Needs the package pyte.

python3 -m acceptance.screens --connector target/release/source-dixa --simulator target/release/dixa-simulator
"""

import fcntl
import html
import itertools
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
STREAMS = "conversations,messages,endusers,knowledge_articles"

# The picture: in pixels, and in colours that are readable on its own dark background.
SIZE, ADVANCE, LEADING, BAR, PADDING = 13, 7.8, 20, 40, 16
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
BUTTONS = ("#ff5f57", "#febc2e", "#28c840")
COLOURS = {"default": "#e6edf3", "cyan": "#39c5cf", "green": "#3fb950", "red": "#ff7b72", "brightblack": "#484f58"}


def main():
    tools = options()
    with Simulator(tools.simulator, "--days", "200", "--conversations", "20000", "--latency-ms", "300") as dixa:
        url = dixa.url
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "config.json"
            file.write_text(json.dumps(dixa.config))
            check = screen([tools.connector, "check", "--config", file], 30)
            read = screen([tools.connector, "read", "--config", file, "--streams", STREAMS], 9)
    (ROOT / "docs/read.svg").write_text(picture(read))
    text = "\n".join(line.rstrip() for line in check.display).strip("\n")
    # As a person would see Dixa's hosts.
    for local, public in (
        (url, "https://…"),
        ("Exports API (127.0.0.1)", "Exports API (exports.dixa.io)"),
        ("main API (127.0.0.1)", "main API (dev.dixa.io)"),
    ):
        text = text.replace(local, public)
    readme = ROOT / "README.md"
    readme.write_text(replaced(readme.read_text(), text))


def replaced(readme, text):
    """The README with this text as its screen, indented as the markers are."""
    block = ["<!-- screen check -->", "```text", *text.split("\n"), "```", "<!-- /screen -->"]
    marks = r"^( *)<!-- screen check -->.*?<!-- /screen -->"
    readme, found = re.subn(marks, lambda mark: "\n".join(mark[1] + line for line in block), readme, flags=re.S | re.M)
    if not found:
        sys.exit("README.md has no markers for the screen")
    return readme


def screen(command, seconds):
    """The screen after this many seconds, or at the end if that is sooner."""
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
    return shown


def picture(shown):
    """A window of a terminal with what the screen shows, below the command that a person types."""
    command = f"source-dixa read --config config.json --streams {STREAMS} > messages.jsonl"
    prompt = [("$ ", "green"), (command, "default")]
    rows = [row for row in range(LINES) if shown.display[row].strip()]
    lines = [prompt, *(runs(shown, row) for row in rows)]
    columns = max(sum(len(text) for text, _ in line) for line in lines)
    width, height = round(columns * ADVANCE + 2 * PADDING), BAR + len(lines) * LEADING + PADDING
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-label="source-dixa reads four streams at a terminal" '
        f'font-family="{FONTS}" font-size="{SIZE}">',
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="#161b22" stroke="#57606a"/>',
        *(f'<circle cx="{18 + 18 * index}" cy="17" r="5.5" fill="{colour}"/>' for index, colour in enumerate(BUTTONS)),
    ]
    for number, line in enumerate(lines):
        column, y = 0, BAR + number * LEADING + SIZE
        for text, colour in line:
            # The length keeps columns in line whatever font there is.
            for match in re.finditer(r"\S+(?: \S+)*", text):
                x = round(PADDING + (column + match.start()) * ADVANCE, 1)
                length = round(len(match[0]) * ADVANCE, 1)
                parts.append(
                    f'<text x="{x}" y="{y}" textLength="{length}" lengthAdjust="spacingAndGlyphs" '
                    f'fill="{COLOURS[colour]}">{html.escape(match[0], quote=False)}</text>'
                )
            column += len(text)
    return "\n".join([*parts, "</svg>", ""])


def runs(shown, row):
    """The texts of a row, each of one colour."""
    cells = [(shown.buffer[row][column].data, shown.buffer[row][column].fg) for column in range(COLUMNS)]
    grouped = itertools.groupby(cells, key=lambda cell: cell[1])
    return [("".join(text for text, _ in run), colour) for colour, run in grouped]


if __name__ == "__main__":
    main()
