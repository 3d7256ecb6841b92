"""Whatever happens in whatever order, crashes among it: nobody is written to without a permission
of that moment, nobody is twice in a sequence, and every passage has ended or is due.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from unittest import mock
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from campaigns.automations import activating, passages
from campaigns.models import Delivery, Enrolment, SequenceState
from campaigns.services import WrongState, stop_on_reply
from crm.contacts import record_no
from tests.campaigns import cast as newsletters
from tests.campaigns.automations import cast
from tests.campaigns.delivery.conftest import inbox
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
    pytest.mark.timeout(400),
]
__all__ = ["inbox"]
NAMES = ("alice", "bob", "charlie")
WHO = st.sampled_from(NAMES)


class Crash(BaseException):
    """The process ends here."""


class World(RuleBasedStateMachine):
    """Beside the sequence, in plain Python: who may be written to."""

    inbox: Inbox

    @initialize(asked=st.sets(WHO))
    def begin(self, asked: set[str]) -> None:
        self.now = NOW
        self.run = uuid4().hex[:10]
        self.email = {name: f"{name}-{self.run}@example.org" for name in NAMES}
        self.contact: dict[str, UUID] = {}
        self.says_yes: dict[str, bool] = {}
        for name in NAMES:
            self.says_yes[name] = name in asked
            self.contact[name] = newsletters.subscriber(self.email[name], says_yes=name in asked)
        self.steps = 1
        self.sequence = cast.active(
            cast.step("s1", "send"), cast.wait("s2"), cast.step("s3", "send"),
            name=self.run, reentry_days=2,
        )  # fmt: skip
        self.seen = len(self.inbox.recipients())

    @rule(who=WHO)
    def enters(self, who: str) -> None:
        cast.enter(self.sequence, self.contact[who], now=self.now)

    @rule(who=WHO)
    def says_no(self, who: str) -> None:
        record_no(
            contact_id=self.contact[who], purpose_code="newsletter", source_id=uuid4(),
            actor_id=cast.STAFF, now=self.now,
        )  # fmt: skip
        self.says_yes[who] = False
        assert not Enrolment.objects.filter(contact_id=self.contact[who], state="active").exists()

    @rule(who=WHO)
    def answers(self, who: str) -> None:
        stop_on_reply(contact_id=self.contact[who], at=self.now)

    @rule()
    def pauses(self) -> None:
        self._try(activating.pause)

    @rule()
    def resumes(self) -> None:
        self._try(activating.resume)

    def _try(self, verb: object) -> None:
        try:
            verb(sequence_id=self.sequence, actor_id=cast.STAFF, now=self.now)  # type: ignore[operator]
        except WrongState:
            assert cast.sequence(self.sequence).state not in ("active", "paused")

    @rule(moves=st.booleans())
    def is_edited(self, moves: bool) -> None:
        self.steps += 1
        cast.rewrite(
            self.sequence, cast.step("s1", "send"), cast.wait("s2", self.steps),
            cast.step("s3", "send"), reentry_days=2,
        )  # fmt: skip
        activating.activate(
            sequence_id=self.sequence, moves_people=moves, actor_id=cast.STAFF, now=self.now
        )

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        cast.turn(self.sequence, self.now)

    @rule(where=st.sampled_from(["write", "count_entered", "plan_mail"]))
    def a_worker_dies_in_its_turn(self, where: str) -> None:
        module = "campaigns.automations.passages"
        name = f"{module}.{where}"
        if where == "plan_mail":
            name = f"campaigns.automations.effects.{where}"
        real = getattr(passages, where)

        def die(**given: object) -> None:
            real(**given) if where != "count_entered" else real(*given.values())
            raise Crash

        def die_too(entered: object) -> None:
            real(entered)
            raise Crash

        with mock.patch(name, die_too if where == "count_entered" else die):
            try:
                cast.turn(self.sequence, self.now)
            except Crash:
                return

    @rule()
    def mails_leave(self) -> None:
        cast.deliver(self.sequence)
        arrived = self.inbox.recipients()[self.seen :]
        self.seen += len(arrived)
        permitted = {self.email[name] for name in NAMES if self.says_yes[name]}
        assert set(arrived) <= permitted

    @invariant()
    def nobody_is_twice_in_it(self) -> None:
        if not hasattr(self, "sequence"):
            return
        rows = Enrolment.objects.filter(sequence=self.sequence)
        active = Counter(rows.filter(state="active").values_list("contact_id", flat=True))
        assert not active or max(active.values()) == 1
        assert not rows.filter(state="active", due_at=None).exists()
        references = Counter(Delivery.objects.filter(kind=1).values_list("reference_id", flat=True))
        assert not references or max(references.values()) == 1

    def teardown(self) -> None:
        """Given time, everybody comes to an end."""
        if not hasattr(self, "sequence"):
            return
        if cast.sequence(self.sequence).state == SequenceState.PAUSED:
            self.resumes()
        for _time in range(6):
            self.mails_leave()
            self.time_passes(24 * (self.steps + 1))
        assert not Enrolment.objects.filter(sequence=self.sequence, state="active").exists()
        counted = cast.count(
            "SELECT coalesce(sum(here), 0) FROM campaigns_stepmove WHERE step NOT LIKE '=%'"
        )
        assert counted == 0


@pytest.fixture
def world(inbox: Inbox) -> Iterator[type[World]]:
    World.inbox = inbox
    yield World


def test_whatever_happens(world: type[World]) -> None:
    run_machine(
        world,
        settings=settings(
            max_examples=5,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.generate),
        ),
    )
