"""`make login`: the first sign-in once more, with the one-time code of this moment."""

import base64
import time

from django_otp.oath import hotp

from deploy.desk.console import say
from deploy.desk.layout import BadPort, Layout
from deploy.desk.welcome import first_accounts, show_sign_in

STEP_SECONDS = 30


def main() -> int:
    try:
        layout = Layout.read()
        accounts = first_accounts(layout)
    except (BadPort, FileNotFoundError) as refusal:
        is_new = isinstance(refusal, FileNotFoundError)
        say("desk", "There is no sign-in yet: make run creates it." if is_new else str(refusal))
        return 1
    say("desk", f"Staff        {layout.staff_url}/")
    show_sign_in(layout)
    now = time.time()
    for account in accounts:
        if "secret" in account:
            left = STEP_SECONDS - int(now) % STEP_SECONDS
            code = code_of(account["secret"], now=now)
            say("desk", f"One-time code of {account['username']} now: {code} ({left} s left)")
    say("desk", "A password that was changed since is not shown here.")
    return 0


def code_of(secret: str, *, now: float) -> str:
    letters = secret.replace(" ", "")
    key = base64.b32decode(letters + "=" * (-len(letters) % 8))
    return f"{hotp(key, int(now) // STEP_SECONDS):06d}"  # RFC 6238 section 4.2


if __name__ == "__main__":
    raise SystemExit(main())
