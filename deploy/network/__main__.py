"""`python -m deploy.network`: the configurations of an installation's hosts, from its plan."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from deploy.network.flows import table
from deploy.network.keys import KeyExists, make_key
from deploy.network.plan import PlanInvalid, load
from deploy.network.render import render


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m deploy.network", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, what in (
        ("render", "write the files of every host"),
        ("table", "say who may reach whom"),
    ):
        command = verbs.add_parser(verb, help=what)
        command.add_argument("--plan", type=Path, required=True, help="the plan (TOML)")
        if verb == "render":
            command.add_argument("--folder", type=Path, required=True, help="where to write them")
    key = verbs.add_parser("key", help="make a WireGuard key and show its public half")
    key.add_argument("--file", type=Path, required=True, help="where to keep the private half")
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    try:
        if given.verb == "key":
            shown = make_key(given.file) + "\n"
        elif given.verb == "table":
            shown = table(load(given.plan))
        else:
            paths = render(load(given.plan), folder=given.folder)
            shown = "".join(f"{path}\n" for path in paths)
    except (PlanInvalid, KeyExists) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
