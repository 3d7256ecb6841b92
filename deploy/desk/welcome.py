"""What the desk prints when it is ready: where to go, and at the first start how to sign in."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import segno

from deploy.desk.console import has_colour, say
from deploy.desk.layout import ROOT, Layout

# White on black whatever the terminal's own colours are: inverted codes are hard to read.
_QR_COLOURS = ("\033[97;40m", "\033[0m")


def form_addresses(environment: Mapping[str, str]) -> Callable[[], list[str]]:
    """Ask the public side for its forms, beside the start of the others; call for the answer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.desk.leash", sys.executable, "manage.py", "desk_forms"],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def addresses() -> list[str]:
        said, _nothing = process.communicate()
        return said.splitlines() if process.returncode == 0 else []

    return addresses


def show(layout: Layout, *, forms: Sequence[str], is_first: bool) -> None:
    """Say where everything is; the sign-in itself only when `is_first`."""
    say("desk")
    say("desk", f"Staff        {layout.staff_url}/")
    if is_first:
        show_sign_in(layout)
    else:
        say("desk", "Sign-in      make login shows it again")
    if forms:
        say("desk", "Public forms")
        for line in forms:
            say("desk", f"             {line}")
    else:
        say("desk", f"Public side  {layout.public_url}/ (no form is published)")
    say("desk", f"Mail         {layout.mail_url}/")
    say("desk")


def first_accounts(layout: Layout) -> list[dict[str, Any]]:
    """Return the accounts of the first start; raises FileNotFoundError before it."""
    kept: dict[str, list[dict[str, Any]]] = json.loads(layout.sign_in_file.read_text("utf-8"))
    return kept["accounts"]


def show_sign_in(layout: Layout) -> None:
    """Say the first accounts and the one-time-code secrets, with a QR code for each secret."""
    for account in first_accounts(layout):
        say("desk", f"Login        {account['username']}   password  {account['password']}")
        if "secret" not in account:
            say("desk", "             sets up its second factor at the first sign-in")
            continue
        say("desk", f"             one-time-code secret  {account['secret']}")
        say("desk", "             or scan it with an authenticator application:")
        for line in qr_lines(account["address"]):
            say("desk", line)


def qr_lines(address: str) -> list[str]:
    """Return a QR code in half blocks, or nothing where the terminal cannot write them."""
    if "utf" not in (sys.stdout.encoding or "").lower():
        return []
    drawn = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(drawn, border=2, compact=True)
    before, after = _QR_COLOURS if has_colour() else ("", "")
    return [f"{before}{line}{after}" for line in drawn.getvalue().splitlines()]
