"""Runs a PostgreSQL server of Debian's package in a temporary folder, for the length of a `with` block."""

import glob
import os
import shutil
import socket
import subprocess
import tempfile

USER = "postgres"


def programs():
    """The folder of the newest server's programs; None where there is no server."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return os.path.dirname(found[-1]) if found else None


class Postgres:
    """Listens on a free port of this machine, without a password."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        shutil.chown(self.folder, USER)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "--auth=trust", "--no-sync", f"--pgdata={self.folder}/data")
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = f"--log={self.folder}/log"
        self._run("pg_ctl", "start", "--wait", f"--pgdata={self.folder}/data", log, "-o", options)
        return self

    def __exit__(self, *exception):
        self._run("pg_ctl", "stop", "--mode=immediate", f"--pgdata={self.folder}/data")
        shutil.rmtree(self.folder)

    def query(self, sql):
        """The rows of a query, each a list of texts."""
        command = ["psql", "-X", "-A", "-t", "-F", "\t", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-c", sql]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        return [line.split("\t") for line in ran.stdout.splitlines()]

    def value(self, sql):
        """The only value of a query, as text."""
        [[value]] = self.query(sql)
        return value

    def _run(self, program, *arguments):
        """As the user that the server needs: it refuses to run as root."""
        command = ["runuser", "-u", USER, "--", f"{programs()}/{program}", *arguments]
        ran = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(f"{program}: {ran.stdout[-1000:]}{ran.stderr[-1000:]}")
