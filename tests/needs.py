"""What the tests need from Debian: installed when we may, else named in one clear line.

`python -m tests.needs` before the suite. What is missing afterwards is left out loudly by the
suite itself, and fails it when CI=true.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from tests.journeys.browser import NEEDED, find_chromium

REDIS = "The journey on Redis needs its server: apt-get install redis-server"
# Debian's package -> whether it is there, and what is left out without it.
_NEEDS: dict[str, tuple[Callable[[], str | None], str]] = {
    "chromium": (find_chromium, NEEDED),
    "redis-server": (lambda: shutil.which("redis-server"), REDIS),
}


def _missing() -> list[str]:
    return [package for package, (find, _sentence) in _NEEDS.items() if find() is None]


def _install(packages: list[str]) -> None:
    print(f"Installing from Debian: {', '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            return


def main() -> int:
    if (wanted := _missing()) and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(wanted)
    left_out = _missing()
    for package in left_out:
        print(f"LEFT OUT: {_NEEDS[package][1]}", flush=True)
    return 1 if left_out and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
