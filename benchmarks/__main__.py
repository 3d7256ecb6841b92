"""`python -m benchmarks [intake] [send] [decrypt]`: each on a throw-away installation."""

import os
import sys
from importlib import import_module

import django

from benchmarks.ground import ground, machine

NAMES = ("intake", "send", "decrypt")


def main() -> int:
    wanted = sys.argv[1:] or list(NAMES)
    if unknown := set(wanted) - set(NAMES):
        print(f"There is no benchmark {', '.join(sorted(unknown))}. Choose: {', '.join(NAMES)}.")
        return 2
    print(machine())
    with ground() as made:
        os.environ.update(made.environment("worker"))
        django.setup()
        for name in wanted:
            import_module(f"benchmarks.{name}").run(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
