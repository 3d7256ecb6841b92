"""`make manage ARGS="keys status"`: a command of manage.py on the running desk."""

import subprocess
import sys

from deploy.databases import DATABASES, environment, load_passwords
from deploy.desk.console import say
from deploy.desk.layout import ROOT, BadPort, Layout
from deploy.desk.programs import settings_of
from deploy.embedded.postgres import Cluster


def main() -> int:
    try:
        layout = Layout.read()
    except BadPort as refusal:
        say("desk", str(refusal))
        return 1
    cluster = Cluster(layout.home / "postgres")
    roles = layout.secrets / "roles.json"
    if not roles.exists() or not cluster.is_running():
        say("desk", f"Nothing is running on {layout.home}: start it with make run.")
        return 1
    passwords = load_passwords(roles)
    names = {zone: zone for zone in DATABASES}

    def databases(process: str) -> dict[str, str]:
        return environment(cluster, process=process, passwords=passwords, names=names)

    values = settings_of("owner", layout=layout, databases=databases)
    command = [sys.executable, str(ROOT / "manage.py"), *sys.argv[1:]]
    return subprocess.run(command, env=values, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
