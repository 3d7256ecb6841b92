"""`python -m benchmarks [NAME ...]`: each on a throw-away installation; without a name, all."""

import os
import subprocess
import sys
from importlib import import_module

import django

from benchmarks.ground import ground, machine

NAMES = (
    "intake",
    "launch",
    "send",
    "workers",
    "decrypt",
    "ledger",
    "index",
    "readings",
    "rewrap",
    "search",
    "segments",
)


def main() -> int:
    wanted = sys.argv[1:] or list(NAMES)
    if unknown := set(wanted) - set(NAMES):
        print(f"There is no benchmark {', '.join(sorted(unknown))}. Choose: {', '.join(NAMES)}.")
        return 2
    if len(wanted) > 1:
        # Each in a process of its own: one's memory and rows are not another's.
        command = [sys.executable, "-m", "benchmarks"]
        return max(subprocess.run([*command, name], check=False).returncode for name in wanted)
    print(machine(), flush=True)
    with ground() as made:
        os.environ.update(made.environment("worker"))
        django.setup()
        import_module(f"benchmarks.{wanted[0]}").run(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
