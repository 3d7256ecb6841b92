"""A permission is what the ledger adds up to in the order of what happened, not of what arrived."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent import services
from consent.folding import refold
from consent.ledger import Event, append
from consent.models import NO_STATES, PERMITTING_STATES, Basis, LedgerEvent, Permission, State
from tests.conftest import NOW
from tests.consent.people import permitted

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"]),
    pytest.mark.usefixtures("vault"),
]

OWN_HANDS = {"double_opt_in", "preference_centre", "undo"}
# (minutes, state, method): what can happen to one purpose of one person.
SAYINGS = st.tuples(
    st.integers(0, 5),
    st.sampled_from(
        [
            (State.CONSENT_REQUESTED, "form"),
            (State.CONSENT_GIVEN, "form"),
            (State.CONSENT_GIVEN, "double_opt_in"),
            (State.CONSENT_GIVEN, "preference_centre"),
            (State.CONSENT_WITHDRAWN, "one_click_post"),
            (State.CONSENT_REFUSED, "staff_on_behalf"),
            (State.INTEREST_INFORMED, "form"),
            (State.INTEREST_NOT_OBJECTED, "form"),
            (State.INTEREST_NOT_OBJECTED, "information_letter"),
            (State.INTEREST_OBJECTED, "form"),
            (State.INTEREST_UNINFORMED, "import"),
        ]
    ),
)
Saying = tuple[int, tuple[State, str]]


def _say(subject: UUID, saying: Saying) -> LedgerEvent:
    minutes, (state, method) = saying
    is_interest = state.value.startswith("LegitimateInterest")
    at = NOW + timedelta(minutes=minutes)
    event = Event(
        subject_id=subject,
        purpose_code="targeted_promotion",
        channel="email",
        basis=Basis.LEGITIMATE_INTEREST if is_interest else Basis.CONSENT,
        assessment_id=services.current_assessment(purpose_code="targeted_promotion")
        if is_interest
        else None,
        state=state,
        event_type="test",
        event_at=at,
        received_at=at,
        method=method,
        source_id=uuid4(),
        language="fr",
        notice_sha256=bytes(32),
    )
    with transaction.atomic():
        return append([event])[0]


def _plainly(sayings: Sequence[tuple[LedgerEvent, Saying]]) -> LedgerEvent | None:
    """The same answer in plain Python, over everything at once."""
    held: tuple[LedgerEvent, State] | None = None
    for row, (_minutes, (state, method)) in sorted(
        sayings, key=lambda each: (each[0].event_at, each[0].seq)
    ):
        is_no = state in NO_STATES
        is_yes = state in PERMITTING_STATES
        if held is None or is_no:
            held = row, state
        elif held[1] in NO_STATES:
            held = (row, state) if is_yes and method in OWN_HANDS else held
        elif is_yes or held[1] not in PERMITTING_STATES:
            held = row, state
    return held[0] if held else None


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(sayings=st.lists(SAYINGS, min_size=1, max_size=7))
def test_whatever_the_order_of_arrival(sayings: list[Saying]) -> None:
    services.seed_purposes(now=NOW)
    subject = uuid4()
    said = [(_say(subject, saying), saying) for saying in sayings]
    held = Permission.objects.get(subject_id=subject)
    expected = _plainly(said)
    assert expected is not None
    assert (held.event_id, held.state) == (expected.seq, expected.event_state)
    again = refold(subject, "targeted_promotion", "email")
    assert again is not None
    assert [getattr(again, f.attname) for f in Permission._meta.concrete_fields] == [
        getattr(held, f.attname) for f in Permission._meta.concrete_fields
    ]


def test_a_no_that_arrives_late_does_not_let_an_older_yes_win() -> None:
    """Said: no at 1, yes at 2, no at 3. Arrived: 3, 1, 2."""
    services.seed_purposes(now=NOW)
    subject = uuid4()
    for saying in (
        (3, (State.CONSENT_WITHDRAWN, "one_click_post")),
        (1, (State.CONSENT_WITHDRAWN, "one_click_post")),
        (2, (State.CONSENT_GIVEN, "double_opt_in")),
    ):
        _say(subject, saying)
    assert not permitted(subject, "targeted_promotion")
