"""Validates examples/kubernetes.yaml, and runs its container twice, locked down as it says, where the image is."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from acceptance.claims import Claims
from acceptance.examples import records
from acceptance.options import ROOT, fast, options
from acceptance.simulator import Simulator

IMAGE = "source-dixa"
MANIFEST = ROOT / "examples/kubernetes.yaml"
# The oldest and the newest that are worth supporting.
VERSIONS = ("1.28", "1.37")


def main():
    tools, claims = options(), Claims()
    for version in VERSIONS:
        ran = called("kubernetes-validate", "--strict", "-k", version, MANIFEST)
        claims.holds(f"kubernetes.yaml is valid for Kubernetes {version}", ran.returncode == 0, ran.stdout + ran.stderr)
    pod = yaml.safe_load(MANIFEST.read_text())["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    mounted = sorted(mount["name"] for mount in container["volumeMounts"])
    claims.equal("each mount is of a volume", mounted, sorted(volume["name"] for volume in pod["volumes"]))
    security = container["securityContext"]
    claims.equal("it drops all capabilities", security["capabilities"]["drop"], ["ALL"])
    claims.holds("its root is not writable", security["readOnlyRootFilesystem"])
    if not shutil.which("docker") or called("docker", "image", "inspect", IMAGE).returncode:
        print(f"SKIP the container: the image {IMAGE} is missing")
        return claims.exit_code()
    account = ["--no-limits", "--conversations", "1000", "--days", "20"]
    with Simulator(tools.simulator, *account) as dixa, tempfile.TemporaryDirectory() as directory:
        run_twice(claims, container, dixa, Path(directory))
    return claims.exit_code()


def run_twice(claims, container, dixa, folder):
    (folder / "config.json").write_text(json.dumps(fast(dixa)))
    folder.chmod(0o755)
    out = folder / "out"
    out.mkdir()
    out.chmod(0o777)
    command = docker(container, {"files": f"{folder}:{{}}:ro", "out": f"{out}:{{}}"})
    for run in ("first", "second"):
        ran = called(*command)
        claims.equal(f"{run} run: exits with 0 and an empty log", (ran.returncode, ran.stdout + ran.stderr), (0, ""))
        kept = [(out / name).exists() for name in ("s.json", "s.new")]
        claims.equal(f"{run} run: the state is taken over", kept, [True, False])
        if run == "first":
            dixa.change(updated=5, added=2)
            time.sleep(1.1)  # a read goes up to the last whole second, and the changes must lie before it
    counts = [records(file, "conversations") for file in sorted(out.glob("*.jsonl.gz"))]
    claims.equal("each run writes a file", len(counts), 2)
    claims.equal("the first run reads all conversations", counts[0], 1000)
    claims.holds("the second only what is new, and the lookback", 7 <= counts[-1] < 500, counts)
    (folder / "config.json").write_text(json.dumps(fast(dixa, api_token="wrong")))
    ran = called(*command)
    claims.holds("a wrong token fails", ran.returncode == 1, ran.returncode)
    claims.holds("and the log shows the reason", "The API token was not accepted" in ran.stderr, ran.stderr)


def docker(container, volumes):
    """Runs the container in Docker, with the simulator's network; `volumes` are Docker's by name, without the path."""
    entry, *arguments = [*container["command"], *container["args"]]
    command = ["docker", "run", "--rm", "--network", "host", "--read-only", "--cap-drop", "ALL"]
    command += ["--security-opt", "no-new-privileges"]
    command += ["--memory", container["resources"]["limits"]["memory"].replace("Mi", "m")]
    command += ["--workdir", container["workingDir"]]
    for mount in container["volumeMounts"]:
        command += ["--volume", volumes[mount["name"]].format(mount["mountPath"])]
    return [*command, "--entrypoint", entry, IMAGE, *arguments]


def called(*command):
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
