"""Which accounts may ask for, and carry out, what is done to keys; agreeing is for another one."""

from datetime import datetime
from uuid import UUID

from crm.approving import NotProven, prove_person
from crm.models import Role
from privacy.services import NotRecognised

# Those who may ask for the kinds of keys (crm/kinds_without_page.py).
OFFICERS = frozenset({Role.DSI})


def recognise(login: str, password: str, code: str, now: datetime) -> UUID:
    """Return the account's id; raises NotRecognised, and does not say which part was wrong."""
    try:
        account = prove_person(username=login, password=password, code=code, now=now)
    except NotProven:
        raise NotRecognised(NotRecognised.__doc__) from None
    if account.role not in OFFICERS:
        raise NotRecognised(NotRecognised.__doc__)
    return UUID(str(account.pk))
