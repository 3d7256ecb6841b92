"""People who may be written to, a campaign to write to them, and a relay to hand it to."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from campaigns import services
from campaigns.content.library import starter
from campaigns.services import Draft
from consent.services import seed_purposes
from crm.services import Person, receive_many
from tests.conftest import NOW
from tests.consent import people


def clock() -> datetime:
    return datetime.now(UTC)


def subscriber(
    email: str, *, says_yes: bool = True, is_confirmed: bool = True, name: str = "Alice"
) -> UUID:
    """A contact who was asked about the newsletter."""
    person = Person(email=email, given_name=name, family_name="Durand")
    contact = receive_many(people=[(person, {"language": "fr", "source": "test"})], now=NOW)[0]
    people.submit(
        contact,
        people.newsletter(is_ticked=says_yes),
        email=email,
        needs_confirmation=not is_confirmed,
    )
    return contact


def subscribers(count: int) -> list[UUID]:
    return [subscriber(f"person{number}@example.org") for number in range(count)]


def draft(
    *,
    subject: str = "Hello {{ first_name }}",
    mjml: str | None = None,
    segment_id: UUID | None = None,
) -> UUID:
    """A campaign about to be launched."""
    seed_purposes(now=NOW)
    first = starter("newsletter.en")
    assert first is not None
    return services.create_draft(
        draft=Draft(
            name="News",
            purpose_id="newsletter",
            segment_id=segment_id,
            language="en",
            subject=subject,
            preheader="",
            sender_name="Example",
            sender_address="news@example.org",
            reply_to="",
            mjml=first.mjml if mjml is None else mjml,
        ),
        actor_id=people_actor(),
        now=NOW,
    )


def people_actor() -> UUID:
    return UUID(int=1)


def launched(**words: object) -> UUID:
    campaign = draft(**words)  # type: ignore[arg-type]
    services.launch(campaign_id=campaign, actor_id=people_actor(), now=NOW)
    return campaign


def deliver(campaign: UUID) -> None:
    services.deliver(campaign_id=campaign, clock=clock)


def counts(campaign: UUID) -> dict[str, int]:
    """The states that occur, and nothing else."""
    found = services.progress(campaign_id=campaign).counts
    return {state: number for state, number in found.items() if number}


def opt_out(contacts: Sequence[UUID], emails: Sequence[str]) -> None:
    """They press the link of a mail; the worker has not looked yet."""
    from uuid import uuid4

    from consent.services import opt_out_links
    from privacy.services import drop_envelope

    links = opt_out_links(
        subjects=dict(zip(contacts, emails, strict=True)), purpose_code="newsletter", now=NOW
    )
    for link in links.values():
        token = link.one_click_url.rpartition("/")[2]
        drop_envelope(
            kind="decision",
            context="opt_out",
            envelope_id=uuid4(),
            document={"action": "opt_out", "language": "fr", "token": token},
            now=clock(),
        )
