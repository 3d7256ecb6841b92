"""Which accounts may ask for and agree to what is done to keys."""

from datetime import datetime
from uuid import UUID

from crm.accounts.second_factor import TooManyCodes, WrongCode, check_either
from crm.models import Account, Role
from privacy.services import NotRecognised

OFFICERS = frozenset({Role.DSI, Role.DPO, Role.OPERATIONS})


def recognise(login: str, code: str, now: datetime) -> UUID:
    """Return the account's id; raises NotRecognised, and does not say which part was wrong."""
    account = Account.objects.filter(username=login, is_active=True, role__in=OFFICERS).first()
    if account is None:
        raise NotRecognised(NotRecognised.__doc__)
    try:
        check_either(account=account, code=code, now=now)
    except (WrongCode, TooManyCodes):
        raise NotRecognised(NotRecognised.__doc__) from None
    return UUID(str(account.pk))
