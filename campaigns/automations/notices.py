"""A sequence asks a colleague to look at somebody: in the program, and by a mail with a link.

The mail names nobody: who opens the link signs in first. It goes the way of required letters, over
a relay that may carry them and within its limits, and is handed over once; the notice itself is on
the colleague's home page whatever becomes of it. No gate stands before it, so it goes to nobody
who is a contact, and to one colleague only so often.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from collections.abc import Sequence as Many
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from campaigns.delivery.carrier import HandOverStopped, RelayOut
from campaigns.delivery.fleet import AtLimit, Fleet, NoRelayLeft
from campaigns.delivery.preparing import Prepared
from campaigns.delivery.signing import signer
from campaigns.delivery.statements import Claimed, GateMark
from campaigns.models import ColleagueNotice, DeliveryState
from campaigns.relays.mail_services import service_of
from campaigns.smtp.addresses import BadAddress, wire_address
from campaigns.smtp.dkim_signing import SigningKeyUnusable
from privacy.services import InvalidAddress, find_by_email, keyed_id, normalise_email

logger = logging.getLogger("campaigns.automations")
_MOST = 50
# Longer than fifty of them take over a slow relay.
_HANDING = timedelta(hours=2)
# A colleague needs no hundredth mail to look at the list in the program.
MOST_AN_HOUR = 20


class NoticeUnknown(LookupError):
    """There is no such notice for this member of staff."""


def notices_of(*, account_id: UUID, most: int = 20) -> Many[ColleagueNotice]:
    """The notices that this member of staff has not seen to yet, newest first."""
    mine = ColleagueNotice.objects.filter(account=account_id, seen_at=None)
    return list(mine.select_related("sequence").order_by("-at", "-id")[:most])


def contact_of_notice(*, notice_id: UUID, account_id: UUID) -> UUID:
    """Return whom a notice is about, to its own reader. Raises NoticeUnknown."""
    mine = ColleagueNotice.objects.filter(id=notice_id, account=account_id)
    contact_id = mine.values_list("contact_id", flat=True).first()
    if contact_id is None:
        raise NoticeUnknown(NoticeUnknown.__doc__)
    return contact_id


def settle_notice(*, notice_id: UUID, account_id: UUID, now: datetime) -> UUID:
    """Take a notice off the list of its own reader; return the contact. Raises NoticeUnknown.

    Twice is once.
    """
    contact_id = contact_of_notice(notice_id=notice_id, account_id=account_id)
    mine = ColleagueNotice.objects.filter(id=notice_id, account=account_id, seen_at=None)
    mine.update(seen_at=now)
    return contact_id


def addresses_of_contacts(addresses: Iterable[str]) -> set[str]:
    """Return which of these are the addresses of contacts."""
    plain = {}
    for address in addresses:
        with suppress(InvalidAddress):  # nobody has it
            plain[address] = normalise_email(address)
    known = find_by_email(emails=list(plain.values()))
    return {address for address, normal in plain.items() if normal in known}


def mail_notices(*, worker: str, now: datetime) -> int:
    """Mail what waits; return how many left. A crash in between loses the mail, not the notice.

    Without a relay that may take them they go on waiting.
    """
    _give_up(now)
    with transaction.atomic(using="default"):
        waiting = ColleagueNotice.objects.select_for_update(of=("self",), skip_locked=True)
        rows = list(
            waiting.filter(mail_state="waiting").select_related("account").order_by("at")[:_MOST]
        )
        numbers = [row.id for row in rows]
        ColleagueNotice.objects.filter(id__in=numbers).update(mail_state="handing")
    contacts = addresses_of_contacts(row.address for row in rows)
    lately = _mailed_lately({row.account_id for row in rows}, now)
    sender_domain = settings.SENDER_ADDRESS.rpartition("@")[2].lower()
    fates = Counter[str]()
    with Fleet(worker=worker, load="letter", sender_domain=sender_domain) as fleet:
        for row in rows:
            if row.address in contacts:
                fate = "refused"
            elif lately[row.account_id] >= MOST_AN_HOUR:
                fate = "enough"
            else:
                fate = _fate(fleet, row, now)
            fates[fate] += 1
            lately[row.account_id] += fate == "sent"
            ColleagueNotice.objects.filter(id=row.id).update(mail_state=fate)
    return fates["sent"]


def _mailed_lately(account_ids: set[UUID], now: datetime) -> Counter[UUID]:
    """How many mails each of these colleagues was sent within the last hour."""
    rows = ColleagueNotice.objects.filter(
        account__in=account_ids, mail_state="sent", at__gt=now - timedelta(hours=1)
    )
    return Counter(rows.values_list("account_id", flat=True))


def _give_up(now: datetime) -> None:
    """What a worker that died was handing over: it may have left, and is not sent again."""
    ColleagueNotice.objects.filter(mail_state="handing", at__lt=now - _HANDING).update(
        mail_state="failed"
    )


def _fate(fleet: Fleet, notice: ColleagueNotice, now: datetime) -> str:
    """Hand one over, and say in the words of `mail_state` what became of it."""
    try:
        recipient = wire_address(notice.address)
        message = _message(notice, recipient, now)
    except (BadAddress, SigningKeyUnusable) as error:
        logger.error("notice %s cannot be mailed: %s", notice.id, type(error).__name__)
        return "failed"
    try:
        return "sent" if _hand_over(fleet, notice, recipient, message) else "failed"
    except (AtLimit, NoRelayLeft):
        return "waiting"


def _hand_over(fleet: Fleet, notice: ColleagueNotice, recipient: str, message: bytes) -> bool:
    """Return whether a relay took it. Raises AtLimit and NoRelayLeft: then none was given it."""
    choice = fleet.choose()
    allowance = fleet.allowance(choice.way, [service_of(recipient)])
    if allowance is not None and not allowance.passes[0]:
        raise AtLimit(max(allowance.relay_wait, allowance.waits[0]))
    claimed = Claimed(0, notice.contact_id, notice.id, 0, 0)
    mail = Prepared(claimed, settings.SENDER_ADDRESS, recipient, message, GateMark(0, b""))
    try:
        (outcome,) = choice.carrier.hand_over([mail], regate=_as_they_are)
    except HandOverStopped as stopped:
        outcome = stopped.outcomes[0]
        if isinstance(stopped.cause, RelayOut):
            fleet.out(choice.way.code, stopped.cause.failure)
    if outcome.is_uncounted:  # about the relay or its pace, not about the mail: it was not taken
        raise NoRelayLeft("relay_unreachable")
    fleet.worked(choice)
    return outcome.state == DeliveryState.SENT


def _as_they_are(late: Many[Prepared]) -> set[int]:
    """No gate stands before a colleague's notice."""
    return {each.claimed.id for each in late}


def _message(notice: ColleagueNotice, recipient: str, now: datetime) -> bytes:
    link = settings.STAFF_URL + reverse("sequence-notice", args=[notice.id])
    with translation.override(notice.account.language):
        subject = _("Somebody waits for you in Accord")
        text = _("A sequence asks you to look at a contact. Sign in to see whom: %(link)s")
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = settings.SENDER_ADDRESS
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = now
    opaque = keyed_id(scope="message_id", parts=[notice.id.bytes]).hex()
    message["Message-ID"] = f"<{opaque}@{settings.MAIL_DOMAIN}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text % {"link": link} + "\n", cte="quoted-printable")
    body = message.as_bytes()
    known = signer(settings.SENDER_ADDRESS)
    return known.sign(body) if known else body
