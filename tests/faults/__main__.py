"""Storms longer than those of the suite: `make faults`, or `PEOPLE=5000 STORMS=20 make faults`."""

import os
import secrets
import subprocess
import sys


def main() -> int:
    """Run storm after storm, each from a seed of its own; stop at the first that finds a fault."""
    people = os.environ.get("PEOPLE", "2000")
    for number in range(int(os.environ.get("STORMS", "3"))):
        seed = os.environ.get("SEED") or secrets.token_hex(4)
        print(f"Storm {number + 1}: SEED={seed} PEOPLE={people}", flush=True)
        values = os.environ | {"ACCORD_FAULTS_SEED": seed, "ACCORD_FAULTS_PEOPLE": people}
        command = [sys.executable, "-m", "pytest", "tests/faults", "-q", "-s", "-n", "0"]
        if code := subprocess.run(command, env=values, check=False).returncode:
            print(f"Again with: SEED={seed} PEOPLE={people} STORMS=1 make faults")
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
