"""Purposes, written by the data protection officer: drafted, published, retired, brought back.

Code and number never change: records carry the one, links in mail the other. What was published
is kept in PurposeVersion word for word; retiring and bringing back are published states too, so
that each has its day and its author.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from consent.findings import CannotPublish, Finding, NoDraft, PurposeUnknown
from consent.models import (
    BalancingAssessment,
    Basis,
    Draft,
    DraftKind,
    Permission,
    Purpose,
    SubjectCard,
)
from consent.purpose_checks import TEXT_MOST, findings_against
from consent.purposes import keep_version

TEXTS = tuple(
    f"{name}_{language}"
    for name in ("title", "description", "recipients")
    for language in ("fr", "en")
)
LISTS = ("more_iris", "data_categories", "bases", "channels")
FACTS = (*TEXTS, "iri", *LISTS, "is_marketing", "retention_days", "position")
# Two bytes in a link would hold 65535; the column of a purpose holds this.
NUMBER_MOST = 32_767
# One new purpose at a time: two must not be given one number.
_LOCK = 7_304_119


class CodeTaken(Exception):
    """There is, or was, a purpose of this code: codes are never used twice."""


class NoNumberLeft(Exception):
    """Every number that a link can carry was given to a purpose."""


def begin_purpose(
    *, code: str, document: Mapping[str, Any], actor_id: UUID | None, now: datetime
) -> None:
    """Keep a new purpose as a draft, under its code and number for ever; nothing may use it yet.

    Raises CodeTaken (so calling twice is safe) and NoNumberLeft.
    """
    facts = written(document)
    with transaction.atomic(using="default"):
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if Purpose.objects.filter(code=code).exists():
            raise CodeTaken(CodeTaken.__doc__)
        newest = Purpose.objects.order_by("-number").values_list("number", flat=True).first() or 0
        if newest >= NUMBER_MOST:
            raise NoNumberLeft(NoNumberLeft.__doc__)
        Purpose.objects.create(
            code=code, number=newest + 1, is_marketing=facts["is_marketing"], retention_days=0
        )
        _keep(code, facts, actor_id, now)


def save_purpose_draft(
    *, code: str, document: Mapping[str, Any], actor_id: UUID | None, now: datetime
) -> None:
    """Keep what is written so far of a purpose; what is published stays as it is.

    What the document does not name stays as it was. Calling twice is safe. Raises PurposeUnknown.
    """
    with transaction.atomic(using="default"):
        purpose = _locked(code)
        _keep(code, written({**facts_of(purpose), **_drafted(code), **document}), actor_id, now)


def discard_purpose_draft(*, code: str) -> None:
    """Forget what is being written. Safe twice; raises PurposeUnknown.

    A purpose that was never published goes with its draft, unless an assessment of it is kept.
    """
    with transaction.atomic(using="default"):
        purpose = _locked(code)
        Draft.objects.filter(kind=DraftKind.PURPOSE, code=code).delete()
        if purpose.published_at is None:
            Draft.objects.filter(kind=DraftKind.ASSESSMENT, code=code).delete()
            if not BalancingAssessment.objects.filter(purpose=purpose).exists():
                purpose.delete()


def purpose_findings(*, code: str, now: datetime) -> list[Finding]:
    """Return what the draft of a purpose still needs. Raises PurposeUnknown and NoDraft."""
    purpose = Purpose.objects.filter(code=code).first()
    if purpose is None:
        raise PurposeUnknown(PurposeUnknown.__doc__)
    return findings_against(purpose=purpose, facts=_draft(code), now=now)


def publish_purpose(*, code: str, actor_id: UUID | None, now: datetime) -> int:
    """Make the draft what the purpose says from now on, and return the version's number.

    Records that were made under an earlier version keep pointing at its words. Raises
    PurposeUnknown, NoDraft (so a second call publishes nothing more), and CannotPublish with
    every finding at once.
    """
    with transaction.atomic(using="default"):
        purpose = _locked(code)
        facts = _draft(code)
        if found := findings_against(purpose=purpose, facts=facts, now=now):
            raise CannotPublish(found)
        for name, value in facts.items():
            setattr(purpose, name, value)
        _publish(purpose, actor_id, now)
        Draft.objects.filter(kind=DraftKind.PURPOSE, code=code).delete()
        return purpose.version


def retire_purpose(*, code: str, actor_id: UUID | None, now: datetime) -> None:
    """Stop using a purpose: nothing offers it any more, and the gate refuses it at once.

    Everything that was recorded stays. Safe twice. Raises PurposeUnknown also for one that was
    never published.
    """
    with transaction.atomic(using="default"):
        purpose = _locked(code)
        if purpose.published_at is None:
            raise PurposeUnknown(PurposeUnknown.__doc__)
        if purpose.retired_at is None:
            purpose.retired_at = now
            _publish(purpose, actor_id, now)


def bring_purpose_back(*, code: str, actor_id: UUID | None, now: datetime) -> None:
    """Use a retired purpose again, as it was; every "no" that was said meanwhile holds.

    Safe twice. Raises PurposeUnknown, and CannotPublish when it would not be published today.
    """
    with transaction.atomic(using="default"):
        purpose = _locked(code)
        if purpose.retired_at is None:
            return
        if found := findings_against(purpose=purpose, facts=facts_of(purpose), now=now):
            raise CannotPublish(found)
        purpose.retired_at = None
        _publish(purpose, actor_id, now)


def facts_of(purpose: Purpose) -> dict[str, Any]:
    return {name: getattr(purpose, name) for name in FACTS}


def written(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a draft, each of its kind; what it says is judged at publication."""
    facts: dict[str, Any] = {name: str(document.get(name) or "")[:TEXT_MOST] for name in TEXTS}
    facts["iri"] = str(document.get("iri") or "")
    for name in LISTS:
        facts[name] = list(dict.fromkeys(str(each) for each in document.get(name) or []))
    facts["more_iris"] = [each for each in facts["more_iris"] if each != facts["iri"]]
    facts["is_marketing"] = bool(document.get("is_marketing"))
    for name in ("retention_days", "position"):
        facts[name] = int(document.get(name) or 0)
    return facts


def _publish(purpose: Purpose, actor_id: UUID | None, now: datetime) -> None:
    if purpose.published_at is not None:
        purpose.version += 1
    purpose.published_at = now
    purpose.save()
    keep_version(purpose=purpose, actor_id=actor_id, now=now)
    # The public copies of what people chose carry the purpose's words.
    holders = Permission.objects.filter(purpose=purpose).values("subject_id")
    SubjectCard.objects.filter(subject_id__in=holders).update(stale_since=now)


def _locked(code: str) -> Purpose:
    purpose = Purpose.objects.select_for_update().filter(code=code).first()
    if purpose is None:
        raise PurposeUnknown(PurposeUnknown.__doc__)
    return purpose


def _keep(code: str, facts: Mapping[str, Any], actor_id: UUID | None, now: datetime) -> None:
    Draft.objects.update_or_create(
        kind=DraftKind.PURPOSE,
        code=code,
        defaults={"document": dict(facts), "updated_at": now, "updated_by": actor_id},
    )


def _drafted(code: str) -> dict[str, Any]:
    row = Draft.objects.filter(kind=DraftKind.PURPOSE, code=code).first()
    return dict(row.document) if row else {}


def _draft(code: str) -> dict[str, Any]:
    facts = _drafted(code)
    if not facts:
        raise NoDraft(NoDraft.__doc__)
    return written(facts)


def allows_interest(facts: Mapping[str, Any]) -> bool:
    return Basis.LEGITIMATE_INTEREST.value in facts["bases"]
