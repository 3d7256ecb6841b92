"""A sequence written as a test needs it, and a clock that turns by hand."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils import timezone

from campaigns import services
from campaigns.automations import activating, versions
from campaigns.automations.definition import Definition, read_definition
from campaigns.automations.running import carry_on
from campaigns.models import Campaign, Delivery, Enrolment, Sequence, SequenceVersion
from consent.services import seed_purposes
from crm.services import Facets, Person, create_segment, receive_many
from tests.campaigns import cast
from tests.conftest import NOW

STAFF = UUID(int=1)


def step(key: str, kind: str, **says: Any) -> dict[str, Any]:
    branches = {name: says.pop(name, []) for name in ("yes", "no")} if kind == "condition" else {}
    return {"key": key, "kind": kind, "says": says, **branches}


def wait(key: str, amount: int = 1, unit: str = "days") -> dict[str, Any]:
    return step(key, "wait", amount=amount, unit=unit)


def write(
    *steps: dict[str, Any],
    name: str = "Welcome",
    trigger: dict[str, Any] | None = None,
    **rest: Any,
) -> UUID:
    """A draft with these steps; each sending one gets its mail."""
    seed_purposes(now=NOW)
    sequence_id = versions.create_sequence(
        name=name, purpose_id="newsletter", actor_id=STAFF, now=NOW
    )
    rewrite(sequence_id, *steps, trigger=trigger, **rest)
    return sequence_id


def rewrite(
    sequence_id: UUID, *steps: dict[str, Any], trigger: dict[str, Any] | None = None, **rest: Any
) -> None:
    def change(before: Definition, version: SequenceVersion) -> Definition:
        given = [_with_mail(one, version) for one in steps]
        held = {**before.as_json(), "steps": given, **rest}
        return read_definition({**held, "trigger": trigger or held["trigger"]})

    versions.change_draft(sequence_id=sequence_id, change=change, actor_id=STAFF, now=NOW)


def _with_mail(held: dict[str, Any], version: SequenceVersion) -> dict[str, Any]:
    branches: dict[str, Any] = {
        name: [_with_mail(one, version) for one in held[name]]
        for name in ("yes", "no")
        if name in held
    }
    held = {**held, **branches}
    if held["kind"] != "send":
        return held
    known = version.mails.filter(step=held["key"]).first()
    number = (
        known.campaign_id
        if known
        else versions.add_mail(version=version, step=held["key"], language="en", now=NOW)
    )
    Campaign.objects.filter(id=number).update(
        subject=f"Mail {held['key']}", sender_name="Example", sender_address="news@example.org"
    )
    return {**held, "says": {**held["says"], "campaign": str(number)}}


def active(*steps: dict[str, Any], now: datetime = NOW, **rest: Any) -> UUID:
    sequence_id = write(*steps, **rest)
    activating.activate(sequence_id=sequence_id, actor_id=STAFF, now=now)
    return sequence_id


def sequence(sequence_id: UUID) -> Sequence:
    return Sequence.objects.select_related("current", "purpose").get(id=sequence_id)


def enter(sequence_id: UUID, *contacts: UUID, now: datetime = NOW) -> list[UUID]:
    from campaigns.automations.enrolling import enrol

    return enrol(sequence=sequence(sequence_id), contact_ids=contacts, now=now)


def turn(sequence_id: UUID, now: datetime) -> int:
    """Everybody who is due, however many batches."""
    carried = 0
    while done := carry_on(sequence_id=sequence_id, now=now):
        carried += done
    return carried


def person(name: str, **facets: Any) -> UUID:
    """A contact who was asked nothing."""
    given: Facets = {"language": "fr", "source": "test", **facets}  # type: ignore[typeddict-item]
    someone = Person(email=f"{name}@example.org", given_name=name.capitalize())
    return receive_many(people=[(someone, given)], now=facets.get("created_at", NOW))[0]


def segment(**value: Any) -> UUID:
    rules = {
        "match": "all",
        "rules": [{"fact": fact, "is": "one_of", "value": words} for fact, words in value.items()],
    }
    return create_segment(name=f"Segment {timezone.now().isoformat()}", rules=rules, now=NOW)


def where(sequence_id: UUID) -> dict[UUID, tuple[str, str, str]]:
    rows = Enrolment.objects.filter(sequence=sequence_id).order_by("started_at")
    return {row.contact_id: (row.state, row.step, row.reason) for row in rows}


def settle_mails(state: int = 5, reason: str = "") -> None:
    """As if the relay had answered for everything that waits."""
    Delivery.objects.filter(state=1).update(state=state, reason=reason)


def deliver(sequence_id: UUID | None = None) -> None:
    """Hand over what is due, to the real relay of the test."""
    running = Campaign.objects.filter(state="running", delivery__state=1).distinct()
    if sequence_id is not None:
        running = running.filter(sequence_mail__version__sequence=sequence_id)
    for number in running.values_list("id", flat=True):
        services.deliver(campaign_id=number, clock=cast.clock)


def days(amount: float) -> timedelta:
    return timedelta(days=amount)


def count(sql: str) -> int:
    with connections["default"].cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return int(row[0]) if row else 0
