"""What needs two people and is brought by no page of its own: keys, lost factors, more reading."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.accounts.recovery import FACTOR_RESET, REQUEST_LIFE
from crm.approval_kinds import (
    DPO,
    DSI,
    ApprovalKind,
    Facts,
    Reference,
    register_approval_kind,
)
from crm.models import Account, Role
from privacy.services import (
    KEY_DESTRUCTION,
    KEY_DESTRUCTION_LIFE,
    KEY_LOSS,
    KEY_SCHEDULE,
    KEY_SCHEDULE_LIFE,
    KEY_SWEEP,
    READ_MORE,
    key_schedule_reference,
)

BOTH = (DPO, DSI)


def _key_destruction(reference: Reference) -> Facts:
    said = _("Destroy the key of epoch %s, for ever. What only it opens can never be read again.")
    return [(_("What is asked for"), said % reference.get("epoch", "?"))]


def _key_schedule(reference: Reference) -> Facts:
    said = _(
        "Destroy every retired key %s days after its retirement, from now on, without asking again."
    )
    return [(_("What is asked for"), said % reference.get("days_after_retirement", "?"))]


def _key_loss(reference: Reference) -> Facts:
    said = _("Give up the documents whose keys are lost, for ever, so that writing goes on.")
    return [(_("What is asked for"), said), (_("Documents"), str(reference.get("keys", "?")))]


def _key_sweep(reference: Reference) -> Facts:
    said = _("Delete keys that have no document, for ever: many at once, as after a restore.")
    return [(_("What is asked for"), said), (_("Keys"), str(reference.get("keys", "?")))]


def _usernames(references: Sequence[Reference]) -> list[str]:
    """Return the name of the account of each reference, in one query; its id if it has none."""
    ids = [str(reference.get("account", "")) for reference in references]
    known = Account.objects.filter(id__in={UUID(each) for each in ids if each})
    names = {str(number): name for number, name in known.values_list("id", "username")}
    return [names.get(each, each) for each in ids]


def _factor_resets(references: Sequence[Reference]) -> list[Facts]:
    said = _("Take away every second factor of this account, and give it a key for a new one.")
    return [
        [(_("What is asked for"), said), (_("Account"), name)] for name in _usernames(references)
    ]


def _more_readings(references: Sequence[Reference]) -> list[Facts]:
    said = _("Let this account read more contacts than its share, on this one day.")
    return [
        [
            (_("What is asked for"), said),
            (_("Account"), name),
            (_("Day"), str(reference.get("day", "?"))),
        ]
        for name, reference in zip(_usernames(references), references, strict=True)
    ]


def _factor_reset(reference: Reference) -> Facts:
    return _factor_resets([reference])[0]


def _read_more(reference: Reference) -> Facts:
    return _more_readings([reference])[0]


def register() -> None:
    """Register these kinds; safe to repeat."""
    for kind in (*_of_keys(), *_of_accounts()):
        register_approval_kind(kind)


def _of_keys() -> list[ApprovalKind]:
    schedule = key_schedule_reference()
    return [
        ApprovalKind(
            KEY_DESTRUCTION,
            gettext_lazy("Destruction of a key"),
            BOTH,
            _key_destruction,
            askers=(DSI,),
            asked_with={"epoch": int},
            lives=KEY_DESTRUCTION_LIFE,
        ),
        ApprovalKind(
            KEY_SCHEDULE,
            gettext_lazy("Destruction of retired keys by a schedule"),
            BOTH,
            _key_schedule,
            askers=(DSI,),
            asked_with={name: type(value) for name, value in schedule.items()},
            fixed=schedule,
            lives=KEY_SCHEDULE_LIFE,
        ),
        ApprovalKind(
            KEY_LOSS,
            gettext_lazy("Giving up documents whose keys are lost"),
            BOTH,
            _key_loss,
            askers=(DSI,),
            lives=KEY_DESTRUCTION_LIFE,
        ),
        ApprovalKind(
            KEY_SWEEP,
            gettext_lazy("Deleting many keys without a document"),
            BOTH,
            _key_sweep,
            askers=(DSI,),
            lives=KEY_DESTRUCTION_LIFE,
        ),
    ]


def _of_accounts() -> list[ApprovalKind]:
    return [
        ApprovalKind(
            FACTOR_RESET,
            gettext_lazy("A new second factor"),
            BOTH,
            _factor_reset,
            askers=(Role.ADMINISTRATOR.value,),
            lives=REQUEST_LIFE,
            about="account",
            describe_all=_factor_resets,
        ),
        ApprovalKind(
            READ_MORE,
            gettext_lazy("Reading more contacts"),
            BOTH,
            _read_more,
            askers=(DPO,),
            lives=timedelta(days=1),
            about="account",
            describe_all=_more_readings,
        ),
    ]
