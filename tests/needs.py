"""What the tests need from Debian: installed when we may, else named in one clear line.

`python -m tests.needs` before the suite. What is missing afterwards is left out loudly by the
suite itself, and fails it when CI=true.
"""

import os
import shutil
import subprocess
import sys

from tests.journeys.browser import NEEDED, find_chromium


def main() -> int:
    if find_chromium() is not None:
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Debian's chromium for the browser journey", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        for command in (["apt-get", "update", "-qq"], install):
            done = subprocess.run(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                check=False,
            )  # fmt: skip
            if done.returncode != 0:
                break
    if find_chromium() is None:
        print(f"LEFT OUT: {NEEDED}", flush=True)
        return 1 if os.environ.get("CI") == "true" else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
