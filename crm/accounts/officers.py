"""Which accounts may ask for and agree to what is done to keys."""

from datetime import datetime
from uuid import UUID

from crm.accounts.second_factor import TooManyCodes, WrongCode, check_either
from crm.models import Account, Role
from privacy.services import NotRecognised

OFFICERS = frozenset({Role.DSI, Role.DPO, Role.OPERATIONS})


def recognise(login: str, code: str, now: datetime) -> UUID:
    """Return the account's id; raises NotRecognised, and does not say which part was wrong."""
    try:
        account = Account.objects.get_by_natural_key(login)
        if not account.is_active or account.role not in OFFICERS:
            raise NotRecognised(NotRecognised.__doc__)
        check_either(account=account, code=code, now=now)
    except (Account.DoesNotExist, WrongCode, TooManyCodes):
        raise NotRecognised(NotRecognised.__doc__) from None
    return UUID(str(account.pk))
