"""Looks at campaigns that wait for it, in the worker, and keeps what was found."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from campaigns.delivery.signing import signer
from campaigns.doorbells import ring_preflight
from campaigns.launching import NotReady, compiled
from campaigns.models import Campaign, CampaignVersion, Preflight, PreflightState
from campaigns.preflight.authentication import Texts, authentication_findings, resolver_texts
from campaigns.preflight.findings import Finding, Verdict, stops, unknown
from campaigns.preflight.links import MOST_LINKS, link_finding, links_to_check
from campaigns.preflight.spam import spam_finding
from campaigns.preflight.words import words_findings
from campaigns.trials import trial_message

logger = logging.getLogger("campaigns.preflight")

Clock = Callable[[], datetime]
Step = Callable[[], Sequence[Finding]]
# A worker that was killed in the middle is not waited for.
_AGAIN_AFTER = timedelta(minutes=10)
_MOST_CLAIMS = 2
# Links of one look, together; those that are left then are not asked. Well under _AGAIN_AFTER.
LINKS_SECONDS = 180.0
_MOST_FINDINGS = 200


def ask_preflight(*, campaign_id: UUID, now: datetime) -> None:
    """Have a campaign looked at by the worker. Safe twice: the latest words are looked at.

    Raises Campaign.DoesNotExist.
    """
    words_at = Campaign.objects.values_list("updated_at", flat=True).get(id=campaign_id)
    with transaction.atomic():
        Preflight.objects.update_or_create(
            campaign_id=campaign_id,
            defaults={
                "words_at": words_at,
                "state": PreflightState.WAITING,
                "asked_at": now,
                "finished_at": None,
                "steps": 0,
                "steps_done": 0,
                "claims": 0,
                "findings": [],
            },
        )
        transaction.on_commit(ring_preflight, robust=True)


def look_before_launch(*, clock: Clock) -> int:
    """Look at every campaign that waits; return how many. Any number of workers may at once."""
    done = 0
    while (campaign_id := _claim(clock())) is not None:
        _look(campaign_id, clock)
        done += 1
    return done


def _give_up(now: datetime) -> None:
    """End what was begun twice and never finished, and say so."""
    stale = Preflight.objects.filter(
        state=PreflightState.WAITING,
        steps__gt=0,
        asked_at__lt=now - _AGAIN_AFTER,
        claims__gte=_MOST_CLAIMS,
    )
    stale.update(
        state=PreflightState.DONE,
        finished_at=now,
        findings=[unknown("failed", why="TimeoutError").stored()],
    )


def _claim(now: datetime) -> UUID | None:
    """Take the oldest one that nobody has begun; `steps` says that somebody has."""
    _give_up(now)
    with transaction.atomic():
        waiting = Preflight.objects.select_for_update(skip_locked=True).filter(
            state=PreflightState.WAITING
        )
        Preflight.objects.filter(
            state=PreflightState.WAITING, steps__gt=0, asked_at__lt=now - _AGAIN_AFTER
        ).update(steps=0, asked_at=now)
        row = waiting.filter(steps=0).order_by("asked_at").first()
        if row is None:
            return None
        # The words as they are now are what is looked at, whenever it was asked for.
        words_at = Campaign.objects.values_list("updated_at", flat=True).get(id=row.campaign_id)
        Preflight.objects.filter(campaign_id=row.campaign_id).update(
            steps=1, claims=F("claims") + 1, words_at=words_at
        )
        return row.campaign_id


def _look(campaign_id: UUID, clock: Clock) -> None:
    campaign = Campaign.objects.get(id=campaign_id)
    rows = Preflight.objects.filter(
        campaign_id=campaign_id, state=PreflightState.WAITING, words_at=campaign.updated_at
    )
    steps = list(steps_of(campaign))
    rows.update(steps=len(steps))
    found: list[Finding] = []
    for number, step in enumerate(steps, 1):
        try:
            found += step()
        except Exception as error:
            # One look that fails must not hide what the others found; the class is enough here.
            logger.exception("a look before the launch of %s failed", campaign_id)
            found.append(unknown("failed", why=type(error).__name__))
        rows.update(steps_done=number, findings=[each.stored() for each in found[:_MOST_FINDINGS]])
    # Those words alone: who asked again meanwhile, for newer ones, is answered by another look.
    rows.update(state=PreflightState.DONE, finished_at=clock())


def steps_of(campaign: Campaign, *, texts: Texts | None = None) -> Iterator[Step]:
    """Everything to look at, one step after the other."""
    links: list[str] = []
    versions: list[Campaign | CampaignVersion] = [campaign]
    versions += campaign.versions.order_by("variant", "language")
    for words in versions:
        try:
            mail = compiled(words)
        except NotReady as broken:
            yield partial(_broken, len(broken.reasons), words)
            continue
        yield partial(_of_version, words, campaign)
        links += links_to_check(mail.parts().html)
    yield partial(_authentication, campaign, texts or resolver_texts())
    yield partial(_spam, campaign)
    end = _LinksEnd()
    for url in list(dict.fromkeys(links))[:MOST_LINKS]:
        yield partial(_link, url, end)


def _broken(count: int, words: Campaign | CampaignVersion) -> list[Finding]:
    return [stops("broken", count=count, version=_version(words))]


def _version(words: Campaign | CampaignVersion) -> str:
    variant = getattr(words, "variant", 0)
    return f"{'ABCDEFGH'[variant % 8]} {words.language.upper()}"


def _of_version(words: Campaign | CampaignVersion, campaign: Campaign) -> list[Finding]:
    found = words_findings(compiled(words), preheader=words.preheader)
    if words is campaign:
        return found
    version = _version(words)
    return [
        Finding(code=one.code, verdict=one.verdict, detail={**one.detail, "version": version})
        for one in found
        if one.verdict != Verdict.PASSED
    ]


def _authentication(campaign: Campaign, texts: Texts) -> list[Finding]:
    from_domain = campaign.sender_address.rpartition("@")[2]
    ours = signer(campaign.sender_address)
    return authentication_findings(
        from_domain=from_domain,
        return_domain=settings.MAIL_DOMAIN,
        signing_domain=ours.keys[0].domain if ours else from_domain,
        selector=ours.keys[0].selector if ours else settings.DKIM_SELECTOR,
        signs=ours is not None,
        texts=texts,
    )


def _spam(campaign: Campaign) -> list[Finding]:
    try:
        return [spam_finding(trial_message(campaign, campaign, now=timezone.now()))]
    except NotReady:
        return [unknown("spam-broken")]


class _LinksEnd:
    """When the links of one look have had their time, which begins with the first."""

    def __init__(self) -> None:
        self._at: float | None = None

    def is_over(self) -> bool:
        if self._at is None:
            self._at = time.monotonic() + LINKS_SECONDS
        return time.monotonic() >= self._at


def _link(url: str, end: _LinksEnd) -> list[Finding]:
    if end.is_over():
        return [unknown("link-unanswered", url=url[:200], why="time")]
    return [link_finding(url)]
