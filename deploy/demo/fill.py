"""Fills an empty installation with a company's life so far, by the same verbs as the product."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import connections, transaction

from campaigns import services as campaigns
from consent import services as consent
from consent.services import Answer
from crm import services as crm
from deploy.demo import words
from deploy.demo.people import Invented, invent
from deploy.embedded.postgres import free_port
from forms_intake import services as forms_intake
from forms_intake.services import FormDraft

PEOPLE = 2_000
_ROOM = UUID("6f0b1f5e-7d0a-4a3e-9a35-2f1d5a0c77d1")  # names the made-up submissions
Batch = list[tuple[UUID, Invented]]


def fill(*, now: datetime) -> None:
    """Make the demonstration data; calling twice makes what is missing and no more."""
    consent.seed_purposes(now=now)
    version = _write_notice(now)
    drafts = words.forms(notice_version=version)
    _make_forms(drafts, now)
    invented = invent(count=PEOPLE, now=now)
    ids = crm.receive_many(people=[(each.person, each.facets) for each in invented], now=now)
    people = list(zip(ids, invented, strict=True))
    _record_choices(people, drafts, version, now)
    _write_messages(people, now)
    _withdraw(people, now)
    segments = _make_segments(now)
    _send_past_campaigns(people, segments, now)
    consent.refresh_cards(now=now)
    with connections["default"].cursor() as cursor:
        cursor.execute("ANALYZE")  # the home page shows the planner's estimates


def _write_notice(now: datetime) -> int:
    """The notice of every form, made by the builder; the officer's later ones are left alone."""
    code = words.NOTICE_CODE
    try:
        consent.begin_notice(code=code, kind="direct", actor_id=None, now=now)
    except consent.NoticeExists:
        return 1
    ready = consent.starting_choices(kind="direct")
    own = {
        language: {**said, "opening": words.NOTICE_OPENING[language]}
        for language, said in ready.words.items()
    }
    bases = {**ready.bases, "email_measurement": consent.Basis.CONSENT.value}
    choices = replace(ready, words=own, bases=bases)
    consent.write_notice(code=code, choices=choices, actor_id=None, now=now)
    return consent.publish_notice_draft(code=code, actor_id=None, now=now)


def _make_forms(drafts: dict[str, tuple[str, FormDraft]], now: datetime) -> None:
    for code, (name, draft) in drafts.items():
        try:
            version_id = forms_intake.create_form(code=code, name=name, draft=draft, now=now)
        except forms_intake.FormExists:
            continue
        forms_intake.publish_version(version_id=version_id, now=now)
    forms_intake.project_forms(now=now)


def _record_choices(
    people: Batch, drafts: dict[str, tuple[str, FormDraft]], version: int, now: datetime
) -> None:
    """What each person answered, on the form they came by, when they came."""
    assessments = {
        code: consent.current_assessment(purpose_code=code)
        for code in ("targeted_promotion", "phone_prospecting")
    }
    notices = {
        language: consent.notice(code=words.NOTICE_CODE, version=version, language=language).id
        for language in words.NOTICE_OPENING
    }
    for start in range(0, len(people), 100):
        with transaction.atomic():
            for subject, each in people[start : start + 100]:
                code = _form_of(each)
                _record_one(subject, each, code, drafts[code][1], notices, assessments, now)


# Fewer agree to be measured than to be written to.
_AGREE = {"email_measurement": 0.3}


def _form_of(each: Invented) -> str:
    source = each.facets["source"]
    return source if source in ("newsletter", "webinar") else "contact"


def _record_one(
    subject: UUID, each: Invented, code: str, draft: FormDraft,
    notices: dict[str, UUID], assessments: dict[str, UUID | None], now: datetime,
) -> None:  # fmt: skip
    language = each.facets["language"]
    answers = [
        Answer(
            choice.purpose_code,
            choice.channel,
            choice.basis,
            assessments.get(choice.purpose_code),
            # A yes for most, a no for few; a box for consent left empty is neither.
            each.mood < _AGREE.get(choice.purpose_code, 0.75)
            if choice.basis == consent.Basis.CONSENT
            else each.mood > 0.9,
            choice.control_texts.get(language, ""),
        )
        for choice in draft.purposes
    ]
    is_waiting = each.mood < 0.01
    at = now - timedelta(days=1) if is_waiting else each.facets["created_at"]
    consent.record_answers(
        subject_id=subject,
        email=each.person.email,
        answers=answers,
        notice_id=notices[language],
        language=language,
        form_code=code,
        form_version=1,
        source_id=uuid5(_ROOM, f"choices {subject}"),
        event_at=at,
        received_at=at,
        needs_confirmation=is_waiting,
        evidence={},  # nobody was at a browser
        now=at,
    )


def _write_messages(people: Batch, now: datetime) -> None:
    """The newest requests of the contact form, unanswered."""
    chance = random.Random(7)  # noqa: S311  # made-up people need no secrets
    for number, (_subject, each) in enumerate(chance.sample(people, 40)):
        at = now - timedelta(hours=3 * number + 1)
        with transaction.atomic():
            crm.receive_lead(
                lead_id=uuid5(_ROOM, f"lead {each.person.email}"),
                person=each.person,
                message=chance.choice(words.MESSAGES),
                language=each.facets["language"],
                form_code="contact",
                form_version=1,
                source="contact",
                received_at=at,
                now=at,
            )


def _withdraw(people: Batch, now: datetime) -> None:
    """Some changed their mind and told the company so."""
    for subject, each in people:
        if 0.70 < each.mood < 0.72:
            consent.withdraw_on_behalf(
                subject_id=subject,
                email=each.person.email,
                purpose_code="newsletter",
                source_id=uuid5(_ROOM, f"no {subject}"),
                actor_id=_ROOM,
                language=each.facets["language"],
                now=now - timedelta(days=20),
            )


def _make_segments(now: datetime) -> dict[str, UUID]:
    for name, rules in words.SEGMENTS.items():
        try:
            crm.create_segment(name=name, rules=rules, now=now)
        except crm.NameTaken:
            continue
    return {each.name: each.id for each in crm.segments()}


def _send_past_campaigns(people: Batch, segments: dict[str, UUID], now: datetime) -> None:
    if campaigns.has_campaigns():
        return
    first = segments["Clients en France"]
    letter = '{{ first_name | "Bonjour" }}, la lettre de septembre'
    news = '{{ first_name | "Bonjour" }}, Nordelia 7 est là : essayez-le'
    past = (
        ("La lettre de septembre", letter, "newsletter", "newsletter", None, 58),
        ("Nordelia 7", news, "targeted_promotion", "product", first, 21),
    )
    refused = {each.person.email for _subject, each in people if 0.50 < each.mood < 0.505}
    with _sink(refused) as relay_url:
        for name, subject, purpose, starter, segment, days in past:
            at = now - timedelta(days=days)
            _send_one(name, subject, purpose, starter, segment, at, relay_url)


def _send_one(
    name: str,
    subject: str,
    purpose: str,
    starter: str,
    segment: UUID | None,
    at: datetime,
    relay_url: str,
) -> None:
    template = campaigns.starter(f"{starter}.fr")
    if template is None:
        raise LookupError(starter)
    author = crm.Account.objects.filter(role=crm.Role.MARKETING).values_list("id", flat=True)
    actor_id = author.first() or _ROOM
    campaign = campaigns.create_draft(
        draft=campaigns.Draft(
            name=name,
            purpose_id=purpose,
            segment_id=segment,
            language="fr",
            subject=subject,
            preheader="Trois minutes de lecture.",
            sender_name=words.ORGANISATION,
            sender_address="lettre@nordelia.example",
            reply_to="contact@nordelia.example",
            mjml=template.mjml,
        ),
        actor_id=actor_id,
        now=at - timedelta(hours=2),
    )
    campaigns.launch(campaign_id=campaign, actor_id=actor_id, now=at)
    campaigns.deliver(
        campaign_id=campaign, clock=lambda: at + timedelta(minutes=1), relay_url=relay_url
    )


class _Sink:
    """Takes every message and keeps none: what is past needs no reader."""

    def __init__(self, refused: set[str]) -> None:
        self._refused = refused

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._refused:
            return "550 5.1.1 This mailbox does not exist"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "250 2.0.0 Ok"


@contextmanager
def _sink(refused: set[str]) -> Iterator[str]:
    port = free_port()
    controller = Controller(_Sink(refused), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()
