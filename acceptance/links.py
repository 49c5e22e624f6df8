"""Follows every link of every Markdown file to a file of the repository and to its heading. Needs no network.

python3 -m acceptance.links
"""

import os
import re
import subprocess
import sys
from functools import cache

from acceptance.claims import Claims
from acceptance.options import ROOT

# What is shown as it is holds no links.
FENCED = re.compile(r"^( *)(```+|~~~+).*?^ *\2", re.S | re.M)
INLINE = re.compile(r"(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", re.S)
# `[text](target "title")`, `![text](target)`, `[label]: target`, and HTML.
LINKS = [
    re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'][^)]*)?\)"),
    re.compile(r"^ {0,3}\[[^\]]+]:\s+<?(\S+?)>?(?:\s|$)", re.M),
    re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']([^\"']+)"),
]
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$", re.M)
ANCHOR = re.compile(r"<\w+\b[^>]*?\b(?:id|name)=[\"']([^\"']+)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.I)


def main():
    claims = Claims()
    files = tracked()
    pages = sorted(name for name in files if name.endswith(".md"))
    for page in pages:
        targets = [target for target in links((ROOT / page).read_text()) if not ELSEWHERE.match(target)]
        broken = {target: reason for target in targets if (reason := fault(page, target, files))}
        claims.holds(f"{page}: its {len(targets)} links lead somewhere", not broken, broken)
    claims.holds("there are pages with links", len(pages) > 10, pages)
    return claims.exit_code()


def tracked():
    """The files of the repository, and their folders: what is only on this machine does not count."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    files = {name for name in listed.split("\0") if name and (ROOT / name).exists()}
    folders = {"."}
    for name in files:
        while name := os.path.dirname(name):
            folders.add(name)
    return files | folders


def links(text):
    """The targets of all links, in order of their form."""
    text = INLINE.sub("", FENCED.sub("", text))
    return [target for form in LINKS for target in form.findall(text)]


def fault(page, target, files):
    """What is wrong with a link, or None."""
    path, _, fragment = target.partition("#")
    if path.startswith("/"):
        return "begins with a slash, which means another place on each site"
    name = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if name not in files:
        return "no such file in the repository"
    if fragment and name.endswith(".md") and fragment not in anchors(name):
        return f"no such heading in {name}"
    return None


@cache
def anchors(page):
    """The anchors of a page, as GitHub makes them of its headings."""
    text = FENCED.sub("", (ROOT / page).read_text())
    found = set(ANCHOR.findall(text))
    for heading in HEADING.findall(text):
        # Of a link in a heading, its text counts.
        shown = re.sub(r"!?\[([^\]]*)]\([^)]*\)", r"\1", heading)
        first = slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 0
        while slug in found:
            number += 1
            slug = f"{first}-{number}"
        found.add(slug)
    return found


if __name__ == "__main__":
    sys.exit(main())
