"""A local Dixa for the length of a `with` block: the example `simulator` and its control endpoints."""

import json
import subprocess
import urllib.request


class Simulator:
    def __init__(self, program, *options):
        self.command = [program, "--until-stdin-closes", *options]

    def __enter__(self):
        # Our end of its stdin closes when we end, however that comes about: it is never left behind.
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.process.stdout.readline()  # who it is
        self.config = json.loads(self.process.stdout.readline())
        self.url = self.config["exports_base_url"]
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def counts(self):
        """Rows and distinct keys of each stream."""
        return json.loads(self._ask("/simulator/counts"))

    def requests(self):
        """The requests so far, oldest first."""
        return [json.loads(line) for line in self._ask("/simulator/log").splitlines() if line]

    def change(self, updated, added):
        """Touches and adds conversations, and gives their ids."""
        changed = json.loads(self._ask(f"/simulator/change?updated={updated}&added={added}", "POST"))
        return set(changed["updated"]) | set(changed["added"])

    def _ask(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        # Loopback never goes through a proxy that the environment may name.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=30) as answer:
            return answer.read().decode()
