"""A sequence asks a colleague to look at somebody: in the program, and by a mail with a link.

The mail names nobody: who opens the link signs in first. It is tried once; the notice itself is on
the colleague's home page whatever becomes of it.
"""

from collections.abc import Sequence as Many
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from campaigns.delivery.signing import signer
from campaigns.models import ColleagueNotice
from campaigns.smtp.addresses import BadAddress, RelayAddress, wire_address
from campaigns.smtp.outcomes import Accepted, Ready, RelayFailure, UnsafeBody
from campaigns.smtp.session import RelaySession
from privacy.services import keyed_id

_MOST = 50


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


def mail_notices(*, now: datetime) -> int:
    """Mail what waits; return how many left. A crash in between loses the mail, not the notice."""
    with transaction.atomic(using="default"):
        waiting = ColleagueNotice.objects.select_for_update(of=("self",), skip_locked=True)
        rows = list(
            waiting.filter(mail_state="waiting").select_related("account").order_by("at")[:_MOST]
        )
        numbers = [row.id for row in rows]
        ColleagueNotice.objects.filter(id__in=numbers).update(mail_state="handing")
    sent = 0
    for row in rows:
        left = _hand_over(row, now)
        sent += left
        ColleagueNotice.objects.filter(id=row.id).update(mail_state="sent" if left else "failed")
    return sent


def _hand_over(notice: ColleagueNotice, now: datetime) -> bool:
    try:
        recipient = wire_address(notice.address)
        with RelaySession(RelayAddress.parse(settings.RELAY_URL)) as session:
            answer = session.open_message(settings.SENDER_ADDRESS, recipient)
            if not isinstance(answer, Ready):
                return False
            return isinstance(session.send_body(_message(notice, recipient, now)), Accepted)
    except (BadAddress, RelayFailure, UnsafeBody):
        return False


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
