"""`manage.py keys`: what it shows, what it refuses, and when somebody is needed."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django.utils.translation import override

from crm.models import Account
from privacy import services
from privacy.approvals import approve
from privacy.models import Approval, DataKey, KeyDestruction, RetentionClass, SealingKeyPair
from privacy.vault import sweeping
from privacy.vault.destruction import SCHEDULE_LIFE
from privacy.vault.epochs import Reason, rotate_epoch
from privacy.vault.keyring import LocalKeyRing
from privacy.vault.rewrapping import rewrap
from tests.conftest import NOW
from tests.crm.staff import PASSWORD
from tests.crm.terminal import Person
from tests.privacy.keys.people import BOB, agreed_schedule, sql

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
PROFILE = RetentionClass.PROFILE
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the clock of the command; it begins at NOW."""

    def set_clock(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    set_clock(NOW)
    return set_clock


def _keys(*words: str) -> str:
    out = StringIO()
    call_command("keys", *words, stdout=out)
    return out.getvalue()


def _problems(*words: str) -> str:
    with pytest.raises(CommandError) as refused:
        _keys(*words)
    assert refused.value.returncode == 1
    return str(refused.value)


def _somebody() -> UUID:
    subject = uuid4()
    services.write_document(subject_id=subject, retention_class=PROFILE, document={"n": 1})
    return subject


def test_a_good_state_ends_well_and_says_what_there_is(ring: LocalKeyRing) -> None:
    _somebody()
    said = _keys("status")
    assert (
        "epoch 1: opens, wraps 1 data keys, current since 2026-11-23, next one 2026-11-30" in said
    )
    assert "schedule of destruction: NONE" in said
    agreed_schedule(now=NOW)
    assert "schedule of destruction: agreed until 2027-11-23" in _keys("status")


def test_progress_of_rewrapping_is_shown(ring: LocalKeyRing) -> None:
    _somebody()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    assert "1 data keys are still to be re-wrapped" in _keys("status")
    assert "2 keys are re-wrapped" in _keys("rewrap")
    assert "still to be re-wrapped" not in _keys("status")


def test_a_rotation_is_due_or_urgent_for_a_reason(
    ring: LocalKeyRing, at: Callable[[datetime], None]
) -> None:
    _somebody()
    assert "not a week old" in _keys("rotate")
    assert "--reason" in _problems("rotate", "--urgent")
    said = _keys("rotate", "--urgent", "--reason", "erasure")
    assert "Epoch 2 is made. Copy the key ring" in said
    assert "2 keys are re-wrapped" in said
    at(NOW + 7 * DAY)
    assert "Epoch 3 is made" in _keys("rotate")


def test_what_needs_somebody_is_said_and_fails(
    ring: LocalKeyRing, at: Callable[[datetime], None]
) -> None:
    subject = _somebody()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    at(NOW + 2 * DAY)
    assert "Re-wrapping takes over a day" in _problems("status")
    rewrap()
    SealingKeyPair.objects.update(created_at=NOW + 8 * DAY)
    at(NOW + 8 * DAY + timedelta(hours=1))
    said = _problems("status")
    assert "Epochs [1] are due and WAIT" in said
    assert "over a week old" in said
    agreed_schedule(now=NOW + 8 * DAY)
    assert "WAIT" not in _problems("status")
    at(NOW + 11 * DAY)
    assert "no sealing key of these days" in _problems("status")
    at(NOW)
    sql("vault", "DELETE FROM dek WHERE subject_id = %s", subject)
    assert "Keys are lost" in _problems("audit")
    assert "keys of 1 documents are LOST" in _problems("status")


def test_a_file_that_is_gone_and_one_that_does_not_open(ring: LocalKeyRing) -> None:
    _somebody()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    path = ring.folder / "kek-000001.json"
    path.write_bytes((ring.folder / "kek-000002.json").read_bytes())
    ring._epochs.clear()
    assert "Epoch 1 does not open" in _problems("status")
    path.unlink()
    assert "epochs that are gone: [1]" in _problems("status")
    (ring.folder / "kek-000002.json").unlink()
    assert "has no keys: put them back" in _problems("status")


# --- two people at the command line ----------------------------------------------------------


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Somebody types the words of a command of keys, then their password and a code."""

    def types(who: Person, *words: str, password: str = PASSWORD, code: str = "") -> str:
        answers = f"{password}\n{code or who.next_code()}\n"
        monkeypatch.setattr("sys.stdin", StringIO(answers))
        return _keys(*words, "--as", who.account.username)

    return types


def _number(said: str) -> str:
    found = re.search(r"manage.py approvals approve ([0-9a-f-]{36})", said)
    assert found is not None
    return found[1]


def test_two_people_agree_to_a_schedule(ring: LocalKeyRing, here: Callable[..., str]) -> None:
    anne, bertrand = Person("anne", "dsi"), Person("bertrand", "dpo")
    number = _number(here(anne, "schedule"))
    with pytest.raises(CommandError, match="another person"):
        anne.types("approve", number)
    with override("en"):
        assert "days after its retirement" in bertrand.types("list")
    assert "Agreed" in bertrand.types("approve", number)
    assert "agreed until" in _keys("status")
    assert Approval.objects.get().expires_at == NOW + SCHEDULE_LIFE


def test_a_schedule_asked_for_as_every_approval_stands(ring: LocalKeyRing) -> None:
    anne, bertrand = Person("anne", "dsi"), Person("bertrand", "dpo")
    said = anne.types("request", "key_schedule", "days_after_retirement=8")
    bertrand.types("approve", said.split()[-1])
    assert "agreed until" in _keys("status")
    assert Approval.objects.get().expires_at == NOW + SCHEDULE_LIFE


def test_one_officer_ends_the_schedule(ring: LocalKeyRing, here: Callable[..., str]) -> None:
    anne, carole = Person("anne", "dsi"), Person("carole", "marketing")
    with pytest.raises(CommandError, match="no schedule"):
        here(anne, "unschedule")
    agreed_schedule(now=NOW)
    with pytest.raises(CommandError):
        here(carole, "unschedule")
    assert "agreed until" in _keys("status")
    assert "is ended" in here(anne, "unschedule")
    assert "schedule of destruction: NONE" in _keys("status")


def test_an_epoch_from_the_future_is_told(
    ring: LocalKeyRing, at: Callable[[datetime], None]
) -> None:
    rotate_epoch(now=NOW + 365 * DAY, reason=Reason.EXERCISE)
    assert "dates of epochs [1, 2] are in the future" in _problems("status")
    assert "Epoch 3 is made" in _keys("rotate")


@pytest.mark.parametrize("way", ["keys", "approvals"])
def test_two_people_destroy_an_epoch_before_its_day(
    ring: LocalKeyRing, here: Callable[..., str], way: str
) -> None:
    anne, bertrand = Person("anne", "dsi"), Person("bertrand", "dpo")
    _somebody()
    _keys("rotate", "--urgent", "--reason", "erasure")
    words = ("destroy", "--epoch", "1")
    if way == "keys":
        number = _number(here(anne, *words))
    else:
        number = anne.types("request", "key_destruction", "epoch=1").split()[-1]
    with pytest.raises(CommandError, match="Nobody has agreed"):
        here(anne, *words, "--approval", number)
    bertrand.types("approve", number)
    said = here(anne, *words, "--approval", number)
    assert "Epoch 1 is destroyed and attested" in said
    assert "every copy of this file" in said
    row = KeyDestruction.objects.get()
    assert row.requested_by != row.approved_by
    assert "1 epochs are destroyed" in _keys("status")


@pytest.mark.parametrize("role", ["marketing", "sales", "administrator", "operations", "dpo"])
def test_other_roles_ask_for_nothing(
    ring: LocalKeyRing, here: Callable[..., str], role: str
) -> None:
    with pytest.raises(CommandError, match="No account of that name"):
        here(Person("carole", role), "schedule")
    assert not Approval.objects.exists()


@pytest.mark.parametrize("wrong", [{"code": "000000"}, {"password": "wrong"}])
def test_a_wrong_password_or_code_is_refused(
    ring: LocalKeyRing, here: Callable[..., str], wrong: dict[str, str]
) -> None:
    with pytest.raises(CommandError, match="the one-time code is not right"):
        here(Person("anne", "dsi"), "schedule", **wrong)
    assert not Approval.objects.exists()


def test_whoever_has_left_asks_for_nothing(ring: LocalKeyRing, here: Callable[..., str]) -> None:
    Person("bertrand", "dsi")  # there is always one
    anne = Person("anne", "dsi")
    Account.objects.filter(id=anne.account.id).update(ends_on=(NOW - 2 * DAY).date())
    with pytest.raises(CommandError, match="No account of that name"):
        here(anne, "schedule")


def test_no_command_of_keys_agrees_to_anything(ring: LocalKeyRing) -> None:
    """Who agrees to what is the matter of approvals alone, whatever its kind."""
    with pytest.raises(CommandError, match="invalid choice"):
        _keys("approve", str(uuid4()), "--as", "anne")


def test_two_people_give_up_what_is_lost(ring: LocalKeyRing, here: Callable[..., str]) -> None:
    anne, bertrand = Person("anne", "dsi"), Person("bertrand", "dsi")
    subject = _somebody()
    sql("vault", "DELETE FROM dek WHERE subject_id = %s", subject)
    assert "nothing is written" in _problems("audit")
    assert "--as LOGIN" in _problems("audit", "--accept-loss")
    number = _number(here(anne, "audit", "--accept-loss"))
    with override("en"):
        assert "Documents: 1" in bertrand.types("list")
    bertrand.types("approve", number)
    said = here(anne, "audit", "--accept-loss", "--approval", number)
    assert "writing goes on" in said
    assert "0 LOST" in _keys("audit")


def test_a_sweep_that_is_held_back_takes_two_people(
    ring: LocalKeyRing,
    here: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    at: Callable[[datetime], None],
) -> None:
    monkeypatch.setattr(sweeping, "SWEPT_AT_MOST", 1)
    anne, zoe = Person("anne", "dsi"), Person("zoe", "dsi")
    for _ in range(3):
        _somebody()
    sql("default", "DELETE FROM blob")
    _keys("audit")
    with pytest.raises(CommandError, match="No key without a document is due"):
        here(anne, "audit", "--sweep")
    at(NOW + timedelta(hours=2))
    assert "was crm put back" in _problems("audit")
    assert "--as LOGIN" in _problems("audit", "--sweep")
    assert "3 keys would be deleted" in here(anne, "audit", "--sweep")
    asked = Approval.objects.get(kind="key_sweep")
    with pytest.raises(CommandError, match="Nobody has agreed"):
        here(zoe, "audit", "--sweep", "--approval", str(asked.id))
    assert DataKey.objects.count() == 3
    approve(approval_id=asked.id, decided_by=BOB, now=timezone.now())
    said = here(zoe, "audit", "--sweep", "--approval", str(asked.id))
    assert "3 keys without a document are deleted" in said
    assert not DataKey.objects.exists()
