"""`manage.py keys`: what it shows, what it refuses, and when somebody is needed."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_otp.oath import TOTP

from crm.accounts.register import NewAccount, create_account
from privacy import services
from privacy.approvals import approve
from privacy.models import Approval, DataKey, KeyDestruction, RetentionClass, SealingKeyPair
from privacy.vault import sweeping
from privacy.vault.destruction import SCHEDULE_LIFE
from privacy.vault.epochs import Reason, rotate_epoch
from privacy.vault.keyring import LocalKeyRing
from privacy.vault.rewrapping import rewrap
from tests.conftest import NOW
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
def staff(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes an account, and answers the command's question with its code of this moment."""
    made: dict[str, NewAccount] = {}

    def make(name: str, role: str = "dsi") -> str:
        made[name] = create_account(username=name, role=role, now=NOW, with_authenticator=True)
        return name

    class Answers(StringIO):
        login = ""

        def readline(self, *_: object) -> str:  # type: ignore[override]
            secret = made[self.login].secret
            assert secret is not None
            return f"{TOTP(bytes.fromhex(secret.hexadecimal)).token():06d}\n"

    answers = Answers()
    monkeypatch.setattr("sys.stdin", answers)
    make.answer_as = lambda login: setattr(answers, "login", login)  # type: ignore[attr-defined]
    return make


def _as(staff: Callable[..., str], login: str, *words: str) -> str:
    # Each code is good once: another one would be waited for, so the device forgets.
    sql("default", "UPDATE otp_totp_totpdevice SET last_t = -1")
    staff.answer_as(login)  # type: ignore[attr-defined]
    return _keys(*words, "--as", login)


def _number(said: str) -> str:
    found = re.search(r"keys approve ([0-9a-f-]{36})", said)
    assert found is not None
    return found[1]


def test_two_people_agree_to_a_schedule(ring: LocalKeyRing, staff: Callable[..., str]) -> None:
    staff("anne")
    staff("bertrand", "dpo")
    number = _number(_as(staff, "anne", "schedule"))
    with pytest.raises(CommandError, match="another person"):
        _as(staff, "anne", "approve", number)
    assert "agreed to" in _as(staff, "bertrand", "approve", number)
    assert "agreed until" in _keys("status")
    assert Approval.objects.get().expires_at == NOW + SCHEDULE_LIFE


def test_one_officer_ends_the_schedule(ring: LocalKeyRing, staff: Callable[..., str]) -> None:
    staff("bertrand", "dpo")
    staff("carole", "marketing")
    with pytest.raises(CommandError, match="no schedule"):
        _as(staff, "bertrand", "unschedule")
    agreed_schedule(now=NOW)
    with pytest.raises(CommandError, match="No account of that name"):
        _as(staff, "carole", "unschedule")
    assert "agreed until" in _keys("status")
    assert "is ended" in _as(staff, "bertrand", "unschedule")
    assert "schedule of destruction: NONE" in _keys("status")


def test_an_epoch_from_the_future_is_told(
    ring: LocalKeyRing, at: Callable[[datetime], None]
) -> None:
    rotate_epoch(now=NOW + 365 * DAY, reason=Reason.EXERCISE)
    assert "dates of epochs [1, 2] are in the future" in _problems("status")
    assert "Epoch 3 is made" in _keys("rotate")


def test_two_people_destroy_an_epoch_before_its_day(
    ring: LocalKeyRing, staff: Callable[..., str]
) -> None:
    staff("anne")
    staff("bertrand", "operations")
    _somebody()
    _keys("rotate", "--urgent", "--reason", "erasure")
    words = ("destroy", "--epoch", "1")
    number = _number(_as(staff, "anne", *words))
    with pytest.raises(CommandError, match="Nobody has agreed"):
        _as(staff, "anne", *words, "--approval", number)
    _as(staff, "bertrand", "approve", number)
    said = _as(staff, "anne", *words, "--approval", number)
    assert "Epoch 1 is destroyed and attested" in said
    assert "every copy of this file" in said
    row = KeyDestruction.objects.get()
    assert row.requested_by != row.approved_by
    assert "1 epochs are destroyed" in _keys("status")


@pytest.mark.parametrize("role", ["marketing", "sales", "administrator"])
def test_other_roles_have_no_say(ring: LocalKeyRing, staff: Callable[..., str], role: str) -> None:
    staff("carole", role)
    with pytest.raises(CommandError, match="No account of that name"):
        _as(staff, "carole", "schedule")


def test_a_wrong_code_is_refused(ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    create_account(username="anne", role="dsi", now=NOW, with_authenticator=True)
    monkeypatch.setattr("sys.stdin", StringIO("000000\n"))
    with pytest.raises(CommandError, match="one-time code is not the right one"):
        _keys("schedule", "--as", "anne")
    assert not Approval.objects.exists()


def test_two_people_give_up_what_is_lost(ring: LocalKeyRing, staff: Callable[..., str]) -> None:
    staff("anne")
    staff("bertrand")
    subject = _somebody()
    sql("vault", "DELETE FROM dek WHERE subject_id = %s", subject)
    assert "nothing is written" in _problems("audit")
    assert "--as LOGIN" in _problems("audit", "--accept-loss")
    number = _number(_as(staff, "anne", "audit", "--accept-loss"))
    _as(staff, "bertrand", "approve", number)
    said = _as(staff, "anne", "audit", "--accept-loss", "--approval", number)
    assert "writing goes on" in said
    assert "0 LOST" in _keys("audit")


def test_a_sweep_that_is_held_back_takes_two_people(
    ring: LocalKeyRing,
    staff: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    at: Callable[[datetime], None],
) -> None:
    monkeypatch.setattr(sweeping, "SWEPT_AT_MOST", 1)
    staff("anne")
    for _ in range(3):
        _somebody()
    sql("default", "DELETE FROM blob")
    _keys("audit")
    with pytest.raises(CommandError, match="No key without a document is due"):
        _as(staff, "anne", "audit", "--sweep")
    at(NOW + timedelta(hours=2))
    assert "was crm put back" in _problems("audit")
    assert "--as LOGIN" in _problems("audit", "--sweep")
    assert "3 keys would be deleted" in _as(staff, "anne", "audit", "--sweep")
    asked = Approval.objects.get(kind="key_sweep")
    with pytest.raises(CommandError, match="Nobody has agreed"):
        _as(staff, "anne", "audit", "--sweep", "--approval", str(asked.id))
    assert DataKey.objects.count() == 3
    approve(approval_id=asked.id, decided_by=BOB, now=timezone.now())
    said = _as(staff, "anne", "audit", "--sweep", "--approval", str(asked.id))
    assert "3 keys without a document are deleted" in said
    assert not DataKey.objects.exists()
