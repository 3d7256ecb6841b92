"""Whether a confirmation may be asked for by letter now: nobody is flooded through our forms.

What is held back is not lost: the ledger says that a consent was requested, and the person can
ask again. Only a code is logged. The counts are of requests, so they hold whatever the networks,
the forms and the browsers that somebody posts from.
"""

import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat
from django.conf import settings

from consent.models import ConfirmationRequest, LedgerEvent, State
from privacy.services import Fingerprints, domain_of, fingerprint_domains

logger = logging.getLogger("consent.confirming")

# A letter that was not wanted is a nuisance: one a day to an address for the same purposes, and
# never more than these to a mailbox (its address with any +tag), whatever is posted.
LETTERS_WITHIN, LETTERS_MOST = timedelta(hours=24), 3
# Long enough for a holiday week-end, short enough that the person remembers having asked.
REQUEST_LIFE = timedelta(days=7)
# Where half of a country has its mailbox, a company's cap would turn honest people away: there,
# `CONFIRMATIONS_PROVIDER_FACTOR` times as many. Reviewed by hand; a domain of one company or of
# one school is never one of them.
_PUBLIC_PROVIDERS = """
aol.com bbox.fr bluewin.ch club-internet.fr free.fr gmail.com gmx.at
gmx.ch gmx.com gmx.de gmx.fr gmx.net googlemail.com hotmail.be hotmail.com hotmail.de
hotmail.es hotmail.fr hotmail.it icloud.com laposte.net libero.it live.be live.com live.fr
mac.com mail.com mailo.com me.com msn.com neuf.fr numericable.fr orange.fr outlook.be
outlook.com outlook.de outlook.es outlook.fr outlook.it pm.me posteo.de posteo.net proton.me
protonmail.com sfr.fr skynet.be t-online.de telenet.be tutanota.com wanadoo.fr web.de
yahoo.com yahoo.de yahoo.es yahoo.fr yahoo.it ymail.com
"""
PUBLIC_PROVIDERS = frozenset(re.findall(r"\S+", _PUBLIC_PROVIDERS))


def request_confirmation(
    *,
    subject_id: UUID,
    email: str,
    fingerprints: Fingerprints,
    asked: set[str],
    source_id: UUID,
    language: str,
    now: datetime,
) -> UUID | None:
    """Keep a request for one letter and return its id; None when none may go out now.

    Idempotent by `source_id`. `email` is normalised.
    """
    mailbox = [each.wide for each in fingerprints.every]
    recent = ConfirmationRequest.objects.filter(
        address_fingerprint__in=mailbox, requested_at__gt=now - LETTERS_WITHIN
    )
    requests = list(recent.values_list("source_id", "subject_id"))
    if source_id in {source for source, _subject in requests}:
        return None
    domain = fingerprint_domains(emails=[email])[0]
    held = next(_held_back(requests, subject_id, asked, email, domain, now), None)
    if held is not None:
        logger.info("confirmation letter held back: %s", held)
        return None
    request = ConfirmationRequest.objects.create(
        id=_moment(now),
        subject_id=subject_id,
        source_id=source_id,
        address_fingerprint=fingerprints.wide,
        domain_fingerprint=domain.exact,
        language=language,
        requested_at=now,
        expires_at=now + REQUEST_LIFE,
    )
    return request.id


def _held_back(
    requests: list[tuple[UUID, UUID]],
    subject_id: UUID,
    asked: set[str],
    email: str,
    domain: Fingerprints,
    now: datetime,
) -> Iterator[str]:
    """The caps that are reached, as codes; the cheapest is asked first."""
    if len(requests) >= LETTERS_MOST:
        yield "mailbox_day"
    if _asks_the_same([source for source, who in requests if who == subject_id], asked):
        yield "same_purposes"
    factor = settings.CONFIRMATIONS_PROVIDER_FACTOR if domain_of(email) in PUBLIC_PROVIDERS else 1
    for code, span, most in (
        ("domain_hour", timedelta(hours=1), settings.CONFIRMATIONS_PER_DOMAIN_HOUR),
        ("domain_day", timedelta(days=1), settings.CONFIRMATIONS_PER_DOMAIN_DAY),
    ):
        if _is_full(domain, now - span, most * factor):
            yield code
    # The ids are of their moment, so the last minute is the end of the primary key.
    last_minute = ConfirmationRequest.objects.filter(id__gte=_first_of(now - timedelta(minutes=1)))
    if last_minute.count() >= settings.CONFIRMATIONS_PER_MINUTE:
        yield "minute"


def _asks_the_same(sources: list[UUID], asked: set[str]) -> bool:
    if not sources:
        return False
    covered = LedgerEvent.objects.filter(
        source_id__in=sources, event_state=State.CONSENT_REQUESTED
    ).values_list("purpose_id", flat=True)
    return asked <= set(covered)


def _is_full(domain: Fingerprints, since: datetime, most: int) -> bool:
    marks = [each.exact for each in domain.every]
    sent = ConfirmationRequest.objects.filter(
        domain_fingerprint__in=marks, requested_at__gt=since
    ).values_list("id")
    return len(sent[:most]) >= most


# RFC 9562 5.7: the first 48 bits of a time-ordered id are its milliseconds.
_REST = 80


def _moment(now: datetime) -> UUID:
    """A time-ordered id of this moment, and not of the clock: it is what the minute counts."""
    rest = uuid_utils.compat.uuid7().int & ((1 << _REST) - 1)
    return UUID(int=_first_of(now).int | rest)


def _first_of(moment: datetime) -> UUID:
    """The lowest time-ordered id of a moment."""
    return UUID(int=int(moment.timestamp() * 1000) << _REST)
