"""Whatever happens in whatever order, crashes among it: nobody is written to without a permission
that lives at that moment, and every permission is what the ledger adds up to.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from hypothesis.stateful import run_state_machine_as_test as run_machine

from campaigns import services as campaigns
from campaigns.models import Delivery, DeliveryState
from consent import letters as consent_letters
from consent import services
from consent.folding import refold
from consent.informing import OBJECTION_DAYS
from consent.models import PERMITTING_STATES, LedgerEvent, Permission
from crm.services import Person, create_segment, receive_many
from privacy.services import drop_envelope
from tests.campaigns import cast
from tests.conftest import NOW
from tests.consent import people
from tests.consent.arrivals import bring, hand_over_letters
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]

PURPOSES = ("newsletter", "targeted_promotion")
NAMES = ("alice", "bob", "charlie")
WAYS_TO_SAY_NO = (
    "one click",
    "one click for everything",
    "preference page",
    "address",
    "staff",
    "staff, everything",
    "crash",
)
WHO, WHAT = st.sampled_from(NAMES), st.sampled_from(PURPOSES)


class Crash(BaseException):
    """The process ends here."""


class _Letters:
    def __init__(self) -> None:
        self.last: dict[UUID, UUID] = {}

    def plan_letters(self, *, kind: str, letters: Mapping[UUID, UUID], now: datetime) -> None:
        for reference_id, subject_id in letters.items():
            self.plan_letter(kind=kind, reference_id=reference_id, subject_id=subject_id, now=now)

    def plan_letter(
        self, *, kind: str, reference_id: UUID, subject_id: UUID, now: datetime
    ) -> None:
        if kind == "confirmation":
            self.last[subject_id] = reference_id


@dataclass(frozen=True)
class _Undoable:
    """A "no" by a link, and what was there before it."""

    number: UUID
    token: str
    said: dict[str, str]
    kept: set[str]


class World(RuleBasedStateMachine):
    """What people, staff and the machine do; beside it, what they are entitled to, in plain Python.

    `said` is yes, no or asked per (person, purpose), `kept` the suppressions.
    """

    inbox: Inbox

    @initialize(arrived=st.sets(WHO))
    def begin(self, arrived: set[str]) -> None:
        self.now = NOW
        self.run = uuid4().hex[:10]
        services.seed_purposes(now=NOW)
        self.letters = _Letters()
        services.register_courier(self.letters)
        self.email = {name: f"{name}-{self.run}@example.org" for name in NAMES}
        ids = receive_many(
            people=[
                (Person(email=self.email[name], given_name=name), {"source": self.run})
                for name in NAMES
            ],
            now=NOW,
        )
        self.contact = dict(zip(NAMES, ids, strict=True))
        rules = {
            "match": "all",
            "rules": [{"fact": "source", "is": "one_of", "value": [self.run]}],
        }
        self.segment = create_segment(name=self.run, rules=rules, now=NOW)
        self.said: dict[tuple[str, str], str] = {}
        self.kept: set[tuple[str, str]] = set()
        self.is_waiting = False
        self.undoable: dict[str, _Undoable] = {}
        for who in sorted(arrived):
            self.come_by_a_form(who)

    def _decide(self, action: str, **document: Any) -> UUID:
        self.is_waiting = False  # the worker takes everything that waits, oldest first
        return people.decide(action, at=self._tick(), **document)

    def _tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    # --- what people do ---------------------------------------------------------------------

    @rule(who=WHO, confirmed=st.booleans())
    def ask_for_the_newsletter(self, who: str, confirmed: bool) -> None:
        people.submit(
            self.contact[who],
            people.newsletter(is_ticked=True),
            email=self.email[who],
            needs_confirmation=confirmed,
            at=self._tick(),
        )
        key = (who, "newsletter")
        before = self.said.get(key)
        if not confirmed and key not in self.kept:
            self.said[key] = "no" if before == "no" else "yes"
        elif before is None:
            self.said[key] = "asked"

    @rule(who=WHO)
    def leave_the_box_empty(self, who: str) -> None:
        people.submit(
            self.contact[who],
            people.newsletter(is_ticked=False),
            email=self.email[who],
            at=self._tick(),
        )

    @rule(who=WHO, objects=st.booleans())
    def meet_a_form_of_legitimate_interest(self, who: str, objects: bool) -> None:
        people.submit(
            self.contact[who],
            people.promotion(is_ticked=objects),
            email=self.email[who],
            at=self._tick(),
        )
        key = (who, "targeted_promotion")
        if objects:
            self.said.setdefault(key, "asked")
            self._no(who, [key[1]])
        elif self.said.get(key) != "no":
            self.said[key] = "yes"

    @rule(who=WHO)
    def confirm(self, who: str) -> None:
        request = self.letters.last.get(self.contact[who])
        letter = request and services.write_letter(
            kind="confirmation", reference_id=request, email=self.email[who], now=self._tick()
        )
        if letter:
            self._decide("confirm", token=letter.values["confirm_url"].rsplit("/", 1)[1])
            self._yes(who, "newsletter")

    def press_the_opt_out(self, who: str, what: str, everything: bool) -> None:
        said = {each: self.said[who, each] for each in PURPOSES if (who, each) in self.said}
        kept = {each for each in PURPOSES if (who, each) in self.kept}
        token = self._token(who, what)
        number = self._decide("opt_out", token=token, everything=everything)
        self._no(who, list(PURPOSES) if everything else [what], everything)
        self.undoable[who] = _Undoable(number, token, said, kept)

    @precondition(lambda self: self.undoable)
    @rule(chance=st.randoms(use_true_random=False))
    def undo_the_opt_out(self, chance: Random) -> None:
        who = chance.choice(sorted(self.undoable))
        no = self.undoable[who]
        self._decide("undo", token=no.token, decision=str(no.number))
        for what, said in no.said.items():
            # What was only asked for is not brought back: nobody had said yes.
            self.said[who, what] = "yes" if said == "yes" else "no"
        self.kept -= {(who, what) for what in PURPOSES if what not in no.kept}
        self.undoable.pop(who)

    @rule(who=WHO, what=WHAT)
    def say_yes_on_the_preference_page(self, who: str, what: str) -> None:
        self.choose_on_the_preference_page(who, what, says_yes=True)

    def choose_on_the_preference_page(self, who: str, what: str, says_yes: bool) -> None:
        links = self._links(who, what)
        token = links.preferences_url.rsplit("/", 1)[1]
        chosen = {what: "yes" if says_yes else "no"}
        self._decide("preferences", token=token, choices=chosen)
        if says_yes:
            self._yes(who, what)
        else:
            self._no(who, [what])

    def type_the_address(self, who: str) -> None:
        self._decide("by_address", email=self.email[who])
        self._no(who, list(PURPOSES), everything=True)

    @rule(who=WHO, what=WHAT, how=st.sampled_from(WAYS_TO_SAY_NO))
    def say_no(self, who: str, what: str, how: str) -> None:
        match how:
            case "one click":
                self.press_the_opt_out(who, what, everything=False)
            case "one click for everything":
                self.press_the_opt_out(who, what, everything=True)
            case "preference page":
                self.choose_on_the_preference_page(who, what, says_yes=False)
            case "address":
                self.type_the_address(who)
            case "staff":
                self.tell_staff(who, what)
            case "staff, everything":
                self.tell_staff(who, "")
            case "crash":
                self.die_between_the_journal_and_the_database(who, what)

    # --- what others do ---------------------------------------------------------------------

    def tell_staff(self, who: str, what: str) -> None:
        services.withdraw_on_behalf(
            subject_id=self.contact[who],
            email=self.email[who],
            purpose_code=what,
            source_id=uuid4(),
            actor_id=uuid4(),
            now=self._tick(),
        )
        self._no(who, [what] if what else list(PURPOSES), everything=not what)

    def die_between_the_journal_and_the_database(self, who: str, what: str) -> None:
        """The public side acknowledged a no; the worker dies before the no has taken effect."""
        drop_envelope(
            kind="decision",
            context="opt_out",
            envelope_id=uuid4(),
            document={"action": "opt_out", "language": "fr", "token": self._token(who, what)},
            now=self._tick(),
        )
        with _dying("consent.refusal.give_effect"):
            services.apply_waiting_decisions(now=self.now)
        self._no(who, [what])
        self.is_waiting = True

    @rule(who=WHO)
    def come_by_a_form(self, who: str) -> None:
        self.ask_for_the_newsletter(who, confirmed=False)
        self.meet_a_form_of_legitimate_interest(who, objects=False)

    @rule(who=WHO, time_passes=st.booleans())
    def arrive_by_a_file(self, who: str, time_passes: bool) -> None:
        """An import, its letter, and with the time to object over, the silence after it."""
        contact, key = self.contact[who], (who, "targeted_promotion")
        bring((contact, self.email[who]), at=self._tick())
        if key not in self.said and key not in self.kept:
            self.said[key] = "told"
        if not time_passes or self.said.get(key) != "told":
            return
        hand_over_letters(at=self._tick())
        self.now += timedelta(days=OBJECTION_DAYS, minutes=1)
        self.undoable.clear()  # more than a day has passed
        services.settle_informed(now=self.now)
        for name in NAMES:
            if self.said.get((name, key[1])) == "told" and (name, key[1]) not in self.kept:
                self.said[name, key[1]] = "yes"

    @rule(who=WHO, what=WHAT, says=st.sampled_from(["yes", "no"]))
    def turn_out_to_be_somebody_else_too(self, who: str, what: str, says: str) -> None:
        """A merge with a subject of another address, who had said something about a purpose."""
        email = f"second-{uuid4().hex[:10]}@example.org"
        (second,) = receive_many(people=[(Person(email=email), {})], now=self._tick())
        answer = people.newsletter if what == "newsletter" else people.promotion
        ticked = (says == "yes") is (what == "newsletter")
        people.submit(
            second, answer(is_ticked=ticked), email=email, needs_confirmation=False, at=self._tick()
        )
        if what == "newsletter" and says == "no":
            return  # an empty box is no answer
        services.merge_subjects(
            kept_id=self.contact[who],
            kept_email=self.email[who],
            absorbed_id=second,
            absorbed_email=email,
            source_id=uuid4(),
            actor_id=None,
            now=self._tick(),
        )
        if says == "no":
            self.said.setdefault((who, what), "asked")
            self._no(who, [what])

    @rule(what=WHAT)
    def send(self, what: str) -> None:
        self._send(what)

    @precondition(lambda self: self.is_waiting or self._is_anybody_at_risk())
    @rule(what=WHAT)
    def send_while_it_matters(self, what: str) -> None:
        self._send(what)

    @rule(what=WHAT, at=st.sampled_from(["gate", "record"]))
    def die_while_sending(self, what: str, at: str) -> None:
        """Behind the gate but before the relay, or behind the relay but before the database."""
        self._send(what, dies_at=at)

    def _send(self, what: str, dies_at: str = "") -> None:
        self.is_waiting = False
        entitled = {self.email[who] for who in NAMES if self._may(who, what)}
        before = len(self.inbox.recipients())
        campaign = cast.draft(segment_id=self.segment)
        _for_purpose(campaign, what)
        campaigns.launch(campaign_id=campaign, actor_id=None, now=self.now)
        if dies_at:
            place = "relay.Relay.hand_over" if dies_at == "gate" else "engine.Turn._write"
            with _dying(f"campaigns.delivery.{place}"):
                cast.deliver(campaign)
            _let_leases_run_out(campaign)
            campaigns.sweep(now=cast.clock())
        cast.deliver(campaign)
        reached = self.inbox.recipients()[before:]
        assert len(reached) == len(set(reached)), "somebody was written to twice"
        assert set(reached) <= entitled
        if not dies_at:
            assert set(reached) == entitled
        account = campaigns.progress(campaign_id=campaign)
        assert account.open == 0, "a planned message never ended"
        for row in Delivery.objects.filter(campaign_id=campaign, state=DeliveryState.SENT):
            said = LedgerEvent.objects.get(seq=row.justification_seq or 0)
            assert (said.subject_id, said.purpose_id) == (row.contact_id, what)
            assert said.event_state in PERMITTING_STATES

    # --- what is entitled -------------------------------------------------------------------

    def _no(self, who: str, purposes: list[str], everything: bool = False) -> None:
        self.undoable.pop(who, None)
        for what in purposes:
            self.kept.add((who, what))
            if (who, what) in self.said:
                self.said[who, what] = "no"

    def _yes(self, who: str, what: str) -> None:
        self.undoable.pop(who, None)
        self.said[who, what] = "yes"
        self.kept.discard((who, what))

    def _may(self, who: str, what: str) -> bool:
        return self.said.get((who, what)) == "yes" and (who, what) not in self.kept

    def _is_anybody_at_risk(self) -> bool:
        """Somebody's permission says yes and the suppression list says no."""
        return any(said == "yes" and key in self.kept for key, said in self.said.items())

    def _links(self, who: str, what: str) -> services.OptOutLinks:
        subject = self.contact[who]
        return services.opt_out_links(
            subjects={subject: self.email[who]}, purpose_code=what, now=self.now
        )[subject]

    def _token(self, who: str, what: str) -> str:
        return self._links(who, what).one_click_url.rsplit("/", 1)[1]

    @invariant()
    def permissions_are_the_fold_of_the_ledger(self) -> None:
        if not hasattr(self, "contact"):
            return
        rows = Permission.objects.filter(subject_id__in=self.contact.values())
        for row in rows:
            again = refold(row.subject_id, row.purpose_id, row.channel)
            assert again is not None
            assert (again.state, again.event_id) == (row.state, row.event_id)
        if self.is_waiting:  # a no that is on disk only: the next gate must know of it
            return
        held = {(row.subject_id, row.purpose_id): row.state in PERMITTING_STATES for row in rows}
        for (who, what), said in self.said.items():
            assert held.get((self.contact[who], what), False) == (said == "yes"), (who, what, said)


def _for_purpose(campaign: UUID, what: str) -> None:
    from campaigns.models import Campaign

    Campaign.objects.filter(id=campaign).update(purpose=what)


@contextmanager
def _dying(place: str) -> Iterator[None]:
    """The first call of this place ends the process; nothing behind it happens."""

    def die(*_args: Any, **_more: Any) -> None:
        raise Crash

    with mock.patch(place, side_effect=die):
        try:
            yield
        except Crash:
            connections["default"].close()
            connections["intake"].close()


def _let_leases_run_out(campaign: UUID) -> None:
    with transaction.atomic():
        Delivery.objects.filter(campaign_id=campaign, lease_until__isnull=False).update(
            lease_until=cast.clock() - timedelta(seconds=1)
        )


@pytest.mark.timeout(600)
def test_no_message_without_a_live_permission(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent_letters, "_COURIERS", [])
    monkeypatch.setattr(World, "inbox", inbox, raising=False)
    run_machine(
        World,
        settings=settings(
            max_examples=16,
            stateful_step_count=16,
            deadline=None,
            # Shrinking runs whole campaigns again and again: the steps that failed say enough.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
