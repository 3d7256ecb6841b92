"""Marketing asks for a file, the officer agrees, the worker makes it, and the link dies."""

from pathlib import Path
from uuid import UUID, uuid4, uuid5

import httpx
import pytest
from django.core.management import call_command
from django.utils import timezone

from crm.contacts import record_no
from crm.models import Export, ExportDownload
from crm.services import Facets, Person, receive_many
from privacy.models import Approval, Blob, RetentionClass
from privacy.services import readings_by
from tests.campaigns import cast
from tests.consent.people import promotion, submit
from tests.crm.exports.cast import rows_of
from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for

ASKED = {
    "purpose": "targeted_promotion:email",
    "reason": "event",
    "columns": "email",
    "keep_days": "1",
}


def _people(mark: str) -> list[UUID]:
    facets: Facets = {"language": "fr", "source": "test", "tags": (f"fair-{mark}",)}
    people = [Person(email=f"{name}-{mark}@example.org") for name in ("alice", "bob", "carol")]
    made = receive_many(people=[(who, facets) for who in people], now=cast.clock())
    for number, who in zip(made, people, strict=True):
        answer = promotion(is_ticked=False)
        submit(number, answer, email=who.email, needs_confirmation=False, at=cast.clock())
    return made


def _sign_in(browser: httpx.Client, role: str) -> UUID:
    account = acts.new_account(role)
    acts.show_password(browser, account)
    assert acts.show_code(browser, account).status_code == 302
    return account.account.id


def _names(content: bytes, mark: str) -> list[str]:
    return sorted(row["email"].removesuffix(f"-{mark}@example.org") for row in rows_of(content))


def _asked_for(marketing: httpx.Client, mark: str, mia: UUID) -> tuple[str, Export]:
    asked = {**ASKED, "source": str(uuid4()), "scope": f"tag:fair-{mark}"}
    answer = acts.submit(marketing, "/exports/new", **asked)
    assert answer.status_code == 302, answer.text
    export = Export.objects.get(requested_by=mia)
    assert (export.most_rows, export.started_at) == (3, None)
    return answer.headers["Location"], export


def _agreed_to(officer: httpx.Client, export: Export) -> None:
    request = f"/approvals/{export.approval_id}/"
    assert "fair" in officer.get(request).text
    assert acts.submit(officer, request, do="approve").status_code == 302
    wait_for(lambda: Export.objects.get(id=export.id).made_at is not None, "the file")
    assert Approval.objects.get(reference__export=str(export.id)).used_at is not None


def _left(export: Export, account_id: UUID) -> list[set[UUID]]:
    lines = readings_by(reader_id=account_id).filter(
        reference=str(export.id), retention_class=RetentionClass.PROFILE
    )
    return [{*line.subject_ids} for line in lines.order_by("at")]


def _dies(marketing: httpx.Client, here: str, export: Export) -> None:
    part = Blob.objects.filter(subject_id=uuid5(export.id, "export part 0"))
    assert part.exists()
    Export.objects.filter(id=export.id).update(expires_at=timezone.now())
    wait_for(lambda: Export.objects.get(id=export.id).destroyed_at is not None, "its end")
    assert not part.exists()
    gone = marketing.get(f"{here}download")
    assert gone.status_code == 410
    assert "destroyed" in gone.text or "détruit" in gone.text
    assert ExportDownload.objects.filter(export=export).count() == 2


def test_an_export_needs_two_people_and_dies(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = uuid4().hex[:8]
    people = _people(mark)
    bob = people[1]
    with acts.staff_browser(stage) as marketing, acts.staff_browser(stage) as officer:
        mia = _sign_in(marketing, "marketing")
        here, export = _asked_for(marketing, mark, mia)
        assert marketing.get("/approvals/").status_code == 403
        _sign_in(officer, "dpo")
        _agreed_to(officer, export)

        # The file is for who asked; the officer who agreed does not get it.
        assert officer.get(f"{here}download").status_code == 404
        first = acts.submit(marketing, f"{here}download")
        assert _names(first.content, mark) == ["alice", "bob", "carol"]
        # A no between two downloads.
        record_no(
            contact_id=bob, purpose_code="", source_id=uuid4(), actor_id=mia, now=timezone.now()
        )
        second = acts.submit(marketing, f"{here}download")
        assert _names(second.content, mark) == ["alice", "carol"]

        # The journal says who left with each of the two.
        assert _left(export, mia) == [set(people), set(people) - {bob}]

        # A leaked part of the second one says whose it was.
        leaked = tmp_path / "leaked.txt"
        leaked.write_bytes(second.content.split(b"\r\n")[1])
        call_command("exports", "trace", str(leaked))
        assert f"Export {export.id}, download 2" in capsys.readouterr().out
        _dies(marketing, here, export)
