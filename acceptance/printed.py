"""Finds the commands that the documents and `--help` print, as they are printed."""

import os
import re
import subprocess
import textwrap
from collections import namedtuple

from acceptance.options import ROOT

DOCUMENTS = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/*.md",
    "examples/*.md",
    "examples/*/*.md",
    "acceptance/*.md",
    "benches/*.md",
    "integration_tests/*.md",
]
# What a command in running text begins with.
PROGRAMS = [
    "SELECT",
    "abctl",
    "airflow",
    "bash",
    "cargo",
    "cd",
    "curl",
    "dagster",
    "dbt",
    "docker",
    "duckdb",
    "flock",
    "git",
    "helm",
    "jq",
    "kill",
    "kind",
    "kubectl",
    "meltano",
    "mkdir",
    "pip",
    "pip3",
    "python",
    "python3",
    "perf",
    "rustup",
    "set",
    "sh",
    "source",
    "source-dixa",
    "tap-dixa",
    "target-jsonl",
    "target-duckdb",
    "vault",
]
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.S | re.M)
# A column of spaces would be another line's indentation.
INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
# The languages of blocks that show an output or a diagram.
NOT_COMMANDS = {"text", "mermaid"}
VARIABLES = re.compile(r"^(?:[A-Z_]+=\S+ +)*")

Printed = namedtuple("Printed", "where language text")


def printed(connector):
    """Every command, each text once; a block in a language other than a shell's is one, too."""
    documents = [path for pattern in DOCUMENTS for path in sorted(ROOT.glob(pattern))]
    found = [each for path in documents for each in in_markdown(path)]
    scripts = [path for pattern in ("*", "*/*") for path in sorted((ROOT / "examples").glob(pattern))]
    found += [each for path in scripts for each in in_comments(path)]
    found += in_help(connector)
    return list({each.text: each for each in reversed(found)}.values())[::-1]


def in_markdown(path):
    where, text = path.relative_to(ROOT), path.read_text()
    for block in FENCED.finditer(text):
        if block[2] not in NOT_COMMANDS:
            line = text.count("\n", 0, block.start()) + 1
            yield Printed(f"{where}:{line}", block[2] or "none", textwrap.dedent(block[3]).strip())
    # Lines stay where they are.
    prose = FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)
    for span in INLINE.finditer(prose):
        command = " ".join(span[1].split())
        if is_command(command):
            yield Printed(f"{where}:{prose.count(chr(10), 0, span.start()) + 1}", "sh", command)


def is_command(text):
    """A program's name alone is not, but a script of this repository is."""
    words = VARIABLES.sub("", text).split()
    if not words:
        return False
    if re.fullmatch(r"(benches|\.ci|examples)/[\w-]+(\.sh)?", words[0]):
        return True
    return words[0] in PROGRAMS and len(words) > 1


def in_comments(path):
    """Lines of a crontab, what has to be installed, and indented lines that start a recipe."""
    if path.suffix not in (".sh", ".py", ".sql", ".yml"):
        return
    where = path.relative_to(ROOT)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        crontab = re.match(r"#\s+((?:[\d*/,-]+ ){5}.*)", line)
        needs = re.search(r"(pip install (?:'[^']*'|[\w.-]*\w(?=[ .]|$)| )+)", line)
        starts = re.match(r"(?:#\s+|    )((?:meltano|python) .*)", line)
        if starts:
            yield Printed(f"{where}:{number}", "sh", starts[1])
        elif crontab:
            yield Printed(f"{where}:{number}", "crontab", crontab[1])
        elif needs:
            yield Printed(f"{where}:{number}", "sh", needs[1].strip().rstrip("."))


def in_help(connector):
    """The examples of `--help`, and commands in its sentences. At 80 columns: what is wrapped could not be pasted."""
    for command in ["", "spec", "check", "discover", "read", "probe", "completions"]:
        where = f"source-dixa {command} --help".replace("  ", " ")
        shown = subprocess.run(
            [connector, *command.split(), "--help"],
            env={**os.environ, "COLUMNS": "80"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        prose, _, examples = shown.partition("Examples:\n")
        for span in INLINE.finditer(prose):
            text = " ".join(span[1].split())
            if is_command(text):
                yield Printed(where, "sh", text)
        deep = re.findall(r"(?:^    .*\n?)+", examples, re.M)
        for text in deep or examples.splitlines():
            if text.strip():
                yield Printed(where, "sh", textwrap.dedent(text).strip())
