"""Whatever people did before, a file or a merge never lets anybody be written to who was not.

The order is: a "no", then nothing, then a "yes".
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from consent import services
from consent.folding import refold
from consent.models import (
    NO_STATES,
    PERMITTING_STATES,
    MailingPreference,
    Permission,
    Suppression,
)
from privacy.services import JournalEvent, enrol, fingerprint_emails
from tests.conftest import NOW
from tests.consent.arrivals import ACTOR, bring, hand_over_letters, let_time_pass
from tests.consent.people import decide, newsletter, promotion, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
NO, NOTHING, YES = 0, 1, 2
PURPOSES = ("newsletter", "targeted_promotion")
Ranks = dict[str, int]


class Someone:
    """A person with an address of their own in every example."""

    def __init__(self, name: str) -> None:
        self.email = f"{name}-{uuid4().hex[:12]}@example.org"
        self.id: UUID = enrol(email=self.email).subject_id

    def ranks(self) -> Ranks:
        states = dict(
            Permission.objects.filter(subject_id=self.id).values_list("purpose_id", "state")
        )
        return {purpose: _rank(states.get(purpose)) for purpose in PURPOSES}

    def token(self, purpose: str) -> str:
        links = services.opt_out_links(
            subjects={self.id: self.email}, purpose_code=purpose, now=NOW
        )
        return links[self.id].one_click_url.rsplit("/", 1)[1]

    def suppressions(self) -> set[tuple[bytes, str]]:
        marks = fingerprint_emails(emails=[self.email])[0]
        kept = Suppression.objects.filter(fingerprint__in=[marks.exact, marks.wide])
        return {
            (bytes(mark), code) for mark, code in kept.values_list("fingerprint", "purpose_code")
        }


def _rank(state: str | None) -> int:
    return NO if state in NO_STATES else YES if state in PERMITTING_STATES else NOTHING


def _lowest(*ranks: Ranks) -> Ranks:
    return {purpose: min(each[purpose] for each in ranks) for purpose in PURPOSES}


Act = Callable[[Someone, datetime], object]
ACTS: dict[str, Act] = {
    "yes": lambda who, at: submit(
        who.id, newsletter(is_ticked=True), email=who.email, at=at, needs_confirmation=False
    ),
    "asks": lambda who, at: submit(
        who.id, newsletter(is_ticked=True), email=who.email, at=at, needs_confirmation=True
    ),
    "does not object": lambda who, at: submit(
        who.id, promotion(is_ticked=False), email=who.email, at=at
    ),
    "objects": lambda who, at: submit(who.id, promotion(is_ticked=True), email=who.email, at=at),
    "withdraws": lambda who, at: decide("opt_out", token=who.token("newsletter"), at=at),
    "opts out": lambda who, at: decide("opt_out", token=who.token("targeted_promotion"), at=at),
    "no by address": lambda who, at: decide("by_address", email=who.email, at=at),
    "tells staff no": lambda who, at: services.withdraw_on_behalf(
        subject_id=who.id,
        email=who.email,
        purpose_code="newsletter",
        source_id=uuid4(),
        actor_id=ACTOR,
        now=at,
    ),
    "is imported": lambda who, at: bring((who.id, who.email), at=at),
    "is told": lambda who, at: hand_over_letters(at=at),
    "lets days pass": lambda who, at: let_time_pass(since=at),
}
HISTORIES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(sorted(ACTS))), max_size=7)
lives = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def live(people: Sequence[Someone], history: Sequence[tuple[int, str]]) -> datetime:
    """Let each act happen, a day apart; return the moment after the last one."""
    services.seed_purposes(now=NOW)
    at = NOW
    for who, act in history:
        at += timedelta(days=1)
        ACTS[act](people[who], at)
    return at + timedelta(days=30)


def merge(kept: Someone, absorbed: Someone, *, at: datetime, source: UUID | None = None) -> UUID:
    source = source or uuid4()
    with transaction.atomic():
        services.merge_subjects(
            kept_id=kept.id,
            kept_email=kept.email,
            absorbed_id=absorbed.id,
            absorbed_email=absorbed.email,
            source_id=source,
            actor_id=ACTOR,
            now=at,
        )
    return source


@lives
@given(HISTORIES)
@example([(0, "objects"), (1, "no by address")])
def test_an_import_changes_nobodys_answer(history: list[tuple[int, str]]) -> None:
    alice, bob = people = Someone("alice"), Someone("bob")
    at = live(people, history)
    before = [(who.ranks(), who.suppressions()) for who in people]
    bring((alice.id, alice.email), (bob.id, bob.email), at=at)
    assert [(who.ranks(), who.suppressions()) for who in people] == before


@lives
@given(HISTORIES)
def test_after_an_import_only_silence_after_the_letter_permits(
    history: list[tuple[int, str]],
) -> None:
    people = Someone("alice"), Someone("bob")
    at = live(people, history)
    before = [who.ranks() for who in people]
    has_no = [
        {code for _mark, code in who.suppressions()} & {"", "targeted_promotion"} for who in people
    ]
    bring(*((who.id, who.email) for who in people), at=at)
    hand_over_letters(at=at + timedelta(hours=1))
    let_time_pass(since=at + timedelta(hours=1))
    for who, was, said_no in zip(people, before, has_no, strict=True):
        assert who.ranks()["newsletter"] == was["newsletter"]
        if was["targeted_promotion"] == NO or said_no:
            assert who.ranks()["targeted_promotion"] <= was["targeted_promotion"]


@lives
@given(HISTORIES)
@example([(1, "no by address"), (0, "yes")])
@example([(0, "yes"), (1, "yes"), (1, "withdraws")])
@example([(1, "yes"), (0, "is imported"), (1, "objects")])
def test_a_merge_keeps_the_most_restrictive_of_both(history: list[tuple[int, str]]) -> None:
    kept, absorbed = people = Someone("kept"), Someone("absorbed")
    at = live(people, history)
    mine, other = kept.ranks(), absorbed.ranks()
    fingerprints = kept.suppressions(), absorbed.suppressions()
    merge(kept, absorbed, at=at)
    carried = {purpose: rank if rank == NO else YES for purpose, rank in other.items()}
    after = kept.ranks()
    assert all(after[p] <= rank for p, rank in _lowest(mine, carried).items())
    assert all(rank < YES for rank in absorbed.ranks().values())
    assert all(after[p] == mine[p] for p in PURPOSES if not fingerprints[1] and other[p] != NO)
    assert kept.suppressions() >= fingerprints[0]
    assert absorbed.suppressions() >= fingerprints[1]
    for who in people:
        for held in Permission.objects.filter(subject_id=who.id):
            folded = refold(held.subject_id, held.purpose_id, held.channel)
            assert folded is not None and folded.state == held.state


@lives
@given(HISTORIES)
def test_a_merge_twice_or_replayed_is_the_same_merge(history: list[tuple[int, str]]) -> None:
    kept, absorbed = people = Someone("kept"), Someone("absorbed")
    at = live(people, history)
    source = merge(kept, absorbed, at=at)
    once = [(who.ranks(), who.suppressions()) for who in people]
    merge(kept, absorbed, at=at + timedelta(minutes=1), source=source)
    assert [(who.ranks(), who.suppressions()) for who in people] == once


@lives
@given(HISTORIES)
def test_a_journaled_merge_says_no_again_in_a_database_that_forgot(
    history: list[tuple[int, str]],
) -> None:
    """What a restore brings back: the people as before, and a journal that knows better."""
    from consent.merging import _decide, _fields, replay_merge

    kept, absorbed = people = Someone("kept"), Someone("absorbed")
    at = live(people, history)
    decided = _decide(kept.id, kept.email, absorbed.id, absorbed.email, uuid4(), ACTOR, at)
    expected = {no.purpose_code for no in decided.noes}
    with transaction.atomic():
        replay_merge(JournalEvent(1, "consent.merge", at, kept.id, _fields(decided)))
    assert all(kept.ranks()[purpose] == NO for purpose in expected & set(PURPOSES))
    assert all(rank < YES for rank in absorbed.ranks().values())


def test_the_rarer_frequency_and_the_longer_pause_win() -> None:
    kept, absorbed = Someone("kept"), Someone("absorbed")
    until = NOW + timedelta(days=90)
    for who, days, pause in ((kept, 7, until), (absorbed, 30, None)):
        MailingPreference.objects.create(
            subject_id=who.id,
            every_days=days,
            paused_until=pause,
            changed_at=NOW,
            source_id=uuid4(),
        )
    services.seed_purposes(now=NOW)
    merge(kept, absorbed, at=NOW + timedelta(hours=1))
    held = MailingPreference.objects.get()
    assert (held.subject_id, held.every_days, held.paused_until) == (kept.id, 30, until)


def test_the_links_of_the_absorbed_one_say_no_for_the_kept_one() -> None:
    kept, absorbed = people = Someone("kept"), Someone("absorbed")
    live(people, [(0, "yes"), (1, "yes")])
    old, own = absorbed.token("newsletter"), kept.token("newsletter")
    merge(kept, absorbed, at=NOW + timedelta(days=9))
    assert kept.token("newsletter") == own
    assert kept.ranks()["newsletter"] == YES
    decide("opt_out", token=old, at=NOW + timedelta(days=10))
    assert kept.ranks()["newsletter"] == NO
    assert absorbed.suppressions()


def test_whoever_was_removed_and_comes_again_by_a_file_is_not_contactable() -> None:
    """An erasure takes permissions and tokens; the fingerprint of the "no" stays."""
    from privacy.vault.store import destroy_keys

    alice = Someone("alice")
    live([alice], [(0, "yes"), (0, "no by address")])
    Permission.objects.filter(subject_id=alice.id).delete()
    destroy_keys(subject_id=alice.id, retention_classes=[1, 2, 3])  # type: ignore[list-item]
    again = enrol(email=alice.email)
    assert again.is_new
    assert bring((again.subject_id, alice.email), at=NOW + timedelta(days=40)) == 0
    hand_over_letters(at=NOW + timedelta(days=41))
    let_time_pass(since=NOW + timedelta(days=41))
    assert not Permission.objects.filter(subject_id=again.subject_id).exists()
