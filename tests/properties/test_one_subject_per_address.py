"""Whatever happens while the key of the index is rotated: an address leads to one subject, to the
one it always led to, and to none once that one was erased.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connections
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from pytest_django import Settings

from privacy import services
from privacy.index_rotation import (
    KEY_OUTLIVES_ROWS,
    RECOUNT_AFTER,
    RotationUnderWay,
    rotate_index,
    work_on_index_rotation,
)
from privacy.models import RetentionClass
from privacy.vault.store import destroy_keys
from tests.conftest import NOW
from tests.privacy.rotating import PROFILE, living, own_ring, said_of

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
NAMES = ("alice", "bob", "charlie", "dana", "erin")
WHO = st.sampled_from(NAMES)


@pytest.fixture
def _ring(
    vault: None, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    with own_ring(settings, tmp_path_factory.mktemp("ring") / "keys"):
        yield


class World(RuleBasedStateMachine):
    """Beside the vault, what it must say: `of` is the subject of each address."""

    @initialize()
    def begin(self) -> None:
        with connections["vault"].cursor() as cursor:
            for table in ("bidx", "privacy_indexepoch", "dek"):
                cursor.execute(f"DELETE FROM {table}")
        with connections["default"].cursor() as cursor:
            cursor.execute("DELETE FROM blob")
        self.email = {name: f"{name}@example.org" for name in NAMES}
        self.of: dict[str, UUID] = {}
        self.now: datetime = NOW

    @rule(who=WHO)
    def enrol(self, who: str) -> None:
        made = services.enrol(email=self.email[who])
        assert made.is_new == (who not in self.of)
        assert self.of.setdefault(who, made.subject_id) == made.subject_id
        self._write(made.subject_id)

    @rule(people=st.lists(WHO, min_size=1))
    def enrol_many(self, people: list[str]) -> None:
        found = services.enrol_many(emails=[self.email[who] for who in people])
        for who in people:
            subject = found[self.email[who]]
            assert self.of.setdefault(who, subject) == subject
            self._write(subject)

    @rule(kept=WHO, absorbed=WHO)
    def join(self, kept: str, absorbed: str) -> None:
        if kept in self.of and absorbed in self.of and self.of[kept] != self.of[absorbed]:
            old, new = self.of[absorbed], self.of[kept]
            services.join_subjects(kept_id=new, absorbed_id=old)
            self.of = {who: new if subject == old else subject for who, subject in self.of.items()}
            self._write(new)

    @rule(who=WHO)
    def erase(self, who: str) -> None:
        if subject := self.of.get(who):
            destroy_keys(subject_id=subject, retention_classes=list(RetentionClass))
            services.delete_documents(subject_ids=[subject], retention_class=PROFILE)
            self.of = {name: each for name, each in self.of.items() if each != subject}

    def _write(self, subject: UUID) -> None:
        """The profile of a person has every address that leads to it."""
        emails = [self.email[who] for who, each in self.of.items() if each == subject]
        services.write_document(
            subject_id=subject, retention_class=PROFILE, document={"emails": emails}
        )

    # --- the rotation -----------------------------------------------------------------------

    @rule()
    def rotate(self) -> None:
        is_alone = len(living()) == 1
        try:
            rotate_index(now=self.now)
        except RotationUnderWay:
            assert not is_alone
        else:
            assert is_alone

    @rule(limit=st.integers(1, 3), batches=st.integers(1, 4))
    def work(self, limit: int, batches: int) -> None:
        work_on_index_rotation(now=self.now, limit=limit, batches=batches)

    @rule(hours=st.sampled_from([1, 24, 24 * 9]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def end_the_rotation(self) -> None:
        """From whatever state: it always comes to its end, and leaves one epoch."""
        for _ in range(60):
            if len(living()) == 1:
                break
            work_on_index_rotation(now=self.now)
            self.now += RECOUNT_AFTER
        assert len(living()) == 1
        work_on_index_rotation(now=self.now + KEY_OUTLIVES_ROWS)

    # --- what is always so ------------------------------------------------------------------

    @invariant()
    def every_address_leads_to_its_subject_and_to_no_other(self) -> None:
        found = services.find_by_email(emails=list(self.email.values()))
        assert found == {self.email[who]: subject for who, subject in self.of.items()}
        oldest = living()[0]
        for who, email in self.email.items():
            said = {epoch: s for epoch, s in said_of(email).items() if epoch in living()}
            assert set(said.values()) <= ({self.of[who]} if who in self.of else set())
            assert (oldest in said) == (who in self.of)


@pytest.mark.usefixtures("_ring")
@pytest.mark.timeout(300)
def test_an_address_leads_to_one_subject_through_every_rotation() -> None:
    run_machine(
        World,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
