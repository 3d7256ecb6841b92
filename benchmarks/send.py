"""Messages per second to a local sink: claim, gate, decrypt, render, hand over, record."""

import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID, uuid4

from benchmarks.ground import Ground, Line, table
from deploy.embedded.postgres import free_port, is_free

MESSAGES, PLAIN = 4_000, 1_000


def tool(name: str) -> str | None:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin")


@contextmanager
def sink_on(program: str) -> Iterator[int]:
    """Postfix's own sink: it says yes and forgets, faster than anything that keeps mail."""
    port = free_port()
    command = [program, "-u", "nobody", f"127.0.0.1:{port}", "100"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while is_free(port):
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def one_person(now: datetime) -> None:
    """The purposes, and somebody who may be written to: others can be made like them."""
    people_of(1, now)


def people_of(count: int, now: datetime) -> None:
    from django.db import transaction

    from consent import services as consent
    from consent.services import Answer, Basis
    from crm.services import Person, receive_many

    consent.seed_purposes(now=now)
    consent.publish_notice(code="bench", texts={"fr": "Avis"}, is_substantive=True, now=now)
    notice = consent.notice(code="bench", version=1, language="fr").id
    people = [
        Person(email=f"person{n}@example.org", given_name="Camille", family_name=f"Martin {n}")
        for n in range(count)
    ]
    ids = receive_many(people=[(person, {"language": "fr"}) for person in people], now=now)
    for start in range(0, count, 200):
        with transaction.atomic():
            for subject, person in list(zip(ids, people, strict=True))[start : start + 200]:
                consent.record_answers(
                    subject_id=subject,
                    email=person.email,
                    answers=[Answer("newsletter", "email", Basis.CONSENT, None, True, "Oui")],
                    notice_id=notice,
                    language="fr",
                    form_code="bench",
                    form_version=1,
                    source_id=uuid4(),
                    event_at=now,
                    received_at=now,
                    needs_confirmation=False,
                    evidence={},
                    now=now,
                )


def draft_of(now: datetime, *, has_two_variants: bool = False) -> UUID:
    """Return a campaign that can be launched, to every contact."""
    from campaigns import services

    first = services.starter("newsletter.fr")
    if first is None:
        raise RuntimeError("The starter is gone.")
    campaign = services.create_draft(
        draft=services.Draft(
            name="Bench",
            purpose_id="newsletter",
            segment_id=None,
            language="fr",
            subject="Bonjour {{ first_name }}",
            preheader="",
            sender_name="Bench",
            sender_address="news@example.org",
            reply_to="",
            mjml=first.mjml,
        ),
        actor_id=UUID(int=1),
        now=now,
    )
    if has_two_variants:
        _compare(campaign, first.mjml, now)
    return campaign


def _compare(campaign: UUID, mjml: str, now: datetime) -> None:
    from campaigns import services
    from campaigns.models import CampaignVersion

    CampaignVersion.objects.create(
        campaign_id=campaign, variant=1, language="fr", subject="B", mjml=mjml, updated_at=now
    )
    chosen = services.ComparisonSettings(
        variants=2, sample_percent=20, rule="clicks", wait_minutes=60
    )
    services.compare_variants(campaign_id=campaign, chosen=chosen, now=now)


def campaign_of(now: datetime) -> UUID:
    """Return a launched campaign to every contact."""
    from campaigns import services

    campaign = draft_of(now)
    services.launch(campaign_id=campaign, actor_id=None, now=now)
    return campaign


def _ours(port: int, now: datetime) -> tuple[float, int]:
    from django.conf import settings

    from campaigns import services

    settings.RELAY_URL = f"smtp://127.0.0.1:{port}"
    campaign = campaign_of(now)
    started = time.perf_counter()
    while services.progress(campaign_id=campaign).open:
        services.deliver(campaign_id=campaign, clock=lambda: datetime.now(UTC))
    seconds = time.perf_counter() - started
    sent = services.progress(campaign_id=campaign).counts["sent"]
    if sent != MESSAGES:
        raise RuntimeError(f"{sent} of {MESSAGES} messages were sent.")
    return sent / seconds, size_of(campaign)


def size_of(campaign: UUID) -> int:
    from campaigns.models import CompiledContent

    content = CompiledContent.objects.get(campaign_id=campaign)
    return len(content.html) + len(content.text)


def smtp_source(program: str, port: int, size: int, count: int = MESSAGES) -> float:
    started = time.perf_counter()
    command = [program, "-s", "1", "-d", "-m", str(count), "-l", str(size)]
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL)
    return count / (time.perf_counter() - started)


def _message(size: int) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "Hello"
    message.set_content("x" * 70 + "\n")
    message.add_alternative(("<p>" + "x" * 70 + "</p>\n") * (size // 78), subtype="html")
    return message


def smtplib_loop(port: int, size: int, count: int = PLAIN) -> float:
    """What a short script does: a connection per message, as Django's own backend does."""
    message = _message(size)
    started = time.perf_counter()
    for _ in range(count):
        with smtplib.SMTP("127.0.0.1", port) as session:
            session.send_message(message)
    return count / (time.perf_counter() - started)


def _smtplib_one_session(port: int, size: int) -> float:
    message = _message(size)
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as session:
        for _ in range(PLAIN):
            session.send_message(message)
    return PLAIN / (time.perf_counter() - started)


def run(_ground: Ground) -> None:
    sink, source = tool("smtp-sink"), tool("smtp-source")
    if sink is None or source is None:
        print("\nsend: left out. It needs Postfix's generators: apt-get install postfix")
        return
    now = datetime.now(UTC)
    people_of(MESSAGES, now)
    with sink_on(sink) as port:
        ours, size = _ours(port, now)
        floor = smtp_source(source, port, size)
        script, session = smtplib_loop(port, size), _smtplib_one_session(port, size)
    table(
        f"send: {MESSAGES:,} newsletters of {size // 1024} KiB, one worker process",
        [
            Line("smtp-source, a ready message, one session", floor, "messages/s", "the floor"),
            Line(
                "ours, whole", ours, "messages/s",
                f"{ours / floor:.2f} x smtp-source, {ours / script:.1f} x smtplib"
                f" ({ours / session:.1f} x in one session)",
            ),
            Line("smtplib, a connection per message", script, "messages/s"),
            Line("smtplib, one session, nothing recorded", session, "messages/s"),
        ],
    )  # fmt: skip
