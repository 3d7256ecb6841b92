"""Officers are made by two: an administrator asks, a present officer agrees.

Whoever hands out the first password of an account can enrol a second factor with it. An
administrator alone would thus become the data protection officer, and the second person of their
own requests. The command line of the machine stands above this: the first officers come from there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.approval_kinds import DPO, DSI, ApprovalKind, Reference, Words, register_approval_kind
from crm.models import Account, Role
from privacy.services import (
    NotApproved,
    request_approval,
    standing_approval,
    use_approval,
    waiting_approvals,
)

KIND = "officer"
OFFICERS = frozenset({Role.DPO.value, Role.DSI.value, Role.ADMINISTRATOR.value})
DECIDED_WITHIN = timedelta(days=7)
_ACTS: dict[str, Promise] = {
    "create": gettext_lazy("Create an account"),
    "role": gettext_lazy("Give the account another role"),
    "reopen": gettext_lazy("Open the account again"),
    "password": gettext_lazy("Give a new password"),
}


class AgreementNeeded(Exception):
    """A present officer must agree to exactly this first; `ask_agreement` asks them."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(AgreementNeeded.__doc__)
        self.reference = reference


def spend_agreement(
    act: str, account: Account, *, actor_id: UUID | None, now: datetime
) -> dict[str, str]:
    """Spend the agreement to an act on an officer's account, in the caller's transaction.

    Return its id, for the journal of accounts; nothing where none is needed: for other roles, for
    oneself, and from the command line. Raises AgreementNeeded, also when repeated.
    """
    if actor_id is None or actor_id == account.pk or account.role not in OFFICERS:
        return {}
    reference = {"act": act, "username": account.username, "role": account.role}
    found = standing_approval(kind=KIND, reference=reference, now=now)
    try:
        if found is None:
            raise AgreementNeeded(reference)
        use_approval(approval_id=found, kind=KIND, reference=reference, now=now)
    except NotApproved:  # somebody else spent it meanwhile
        raise AgreementNeeded(reference) from None
    return {"approval": str(found)}


def ask_agreement(need: AgreementNeeded, *, actor_id: UUID, now: datetime) -> None:
    """Ask the officers to agree to what was refused; safe twice while the first request waits."""
    waiting = waiting_approvals(kinds=[KIND], now=now)
    if not any(each.reference == need.reference for each in waiting):
        request_approval(
            kind=KIND,
            reference=need.reference,
            requested_by=actor_id,
            now=now,
            expires_at=now + DECIDED_WITHIN,
        )


def _describe(reference: Reference) -> Sequence[tuple[Words, Words]]:
    act, role = _ACTS.get(str(reference.get("act"))), str(reference.get("role"))
    said = _("Agree only if you know who will use it, and tell them to expect it.")
    return [
        (_("Act"), act or "?"),
        (_("Account"), str(reference.get("username", "?"))),
        (_("Role"), Role(role).label if role in Role.values else "?"),
        (_("Before you agree"), said),
    ]


def register() -> None:
    """Register the kind; safe to repeat. No command asks for it: the pages of accounts do."""
    kind = ApprovalKind(
        KIND,
        gettext_lazy("Account of those in charge"),
        (DPO, DSI),
        _describe,
        askers=(Role.ADMINISTRATOR.value,),
        lives=DECIDED_WITHIN,
    )
    register_approval_kind(kind)
