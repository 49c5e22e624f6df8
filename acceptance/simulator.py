"""Runs a local Dixa, the program `simulator`, for the length of a `with` block, and calls its control endpoints."""

import json
import subprocess
import urllib.request


class Simulator:
    def __init__(self, program, *options):
        self.command = [program, "--until-stdin-closes", *options]

    def __enter__(self):
        # Its stdin closes when this process ends, for whatever reason: it is never left behind.
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()  # its name
        self.config = json.loads(self.process.stdout.readline())
        self.url = self.config["exports_base_url"]
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def counts(self):
        """Rows and distinct keys of each stream."""
        return json.loads(self._ask("/simulator/counts"))

    def answers(self):
        """The rows of each question that examples/analytics answers, from what happened."""
        return json.loads(self._ask("/simulator/answers"))

    def requests(self):
        """The requests so far, oldest first."""
        return [json.loads(line) for line in self._ask("/simulator/log").splitlines() if line]

    def change(self, updated, added, removed_tags=0):
        """Updates and adds conversations, and returns their ids; removes tags."""
        query = f"updated={updated}&added={added}&removed_tags={removed_tags}"
        changed = json.loads(self._ask(f"/simulator/change?{query}", "POST"))
        return set(changed["updated"]) | set(changed["added"])

    def _ask(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        # Loopback never goes through a proxy that the environment may name.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=30) as answer:
            return answer.read().decode()
