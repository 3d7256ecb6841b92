"""The pages of exports: who may ask, what they are told, and a link that dies with a reason."""

import re
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crm.accounts.sessions import SessionEnded
from crm.contacts import record_no
from crm.exports import gate
from crm.models import Account, Export, ExportDownload
from crm.services import work_on_exports
from crm.step_up import CONFIRMED
from privacy.models import Approval
from privacy.services import RetentionClass, current_reader, readings, readings_by
from tests.crm.exports.cast import body_of, person, rows_of
from tests.crm.pages.arrivals import soup, words
from tests.crm.staff import close_account, set_session, staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
ASKED = {
    "source": "0199c0de-0000-4000-8000-000000000001",
    "scope": "all:",
    "purpose": "targeted_promotion:email",
    "reason": "event",
    "columns": ["email", "family_name"],
    "keep_days": "7",
}


@pytest.fixture
def mia() -> Client:
    return staff_client("marketing", username="mia")


def _work() -> None:
    work_on_exports(now=datetime.now(UTC))


def _ask(client: Client, **changes: object) -> Export:
    answer = client.post("/exports/new", {**ASKED, "source": str(uuid4()), **changes})
    assert answer.status_code == 302, words(answer)
    return Export.objects.latest("requested_at")


def _of(export: Export, page: str = "") -> str:
    return f"/exports/{export.id}/{page}"


def test_from_the_question_to_the_file(mia: Client) -> None:
    person("alice")
    person("bob", objects=True)
    export = _ask(mia)
    assert "Waits for the worker" in words(mia.get(_of(export)))
    assert mia.get(_of(export, "progress")).status_code == 200
    assert mia.get(_of(export, "download")).status_code == 302
    _work()
    assert mia.get(_of(export, "progress")).headers["HX-Refresh"] == "true"
    shown = words(mia.get(_of(export)))
    assert "1 person is in the file" in shown
    assert "The person objected." in shown
    assert "Two people in it do not exist" in words(mia.get(_of(export, "download")))
    answer = mia.post(_of(export, "download"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert re.search(r'attachment; filename="export-AX\w{10}\.csv"', answer["Content-Disposition"])
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert "alice@example.org" in content.decode()
    assert "bob@example.org" not in content.decode()
    assert ExportDownload.objects.get().ref in words(mia.get(_of(export)))


def test_the_staff_process_delivers_the_rows_and_notes_who_left(
    mia: Client, settings: Settings
) -> None:
    settings.PROCESS = "staff"  # as deploy/launch sets it: nothing is opened for nobody
    alice, bob = person("alice"), person("bob")
    export = _ask(mia)
    settings.PROCESS = "worker"
    _work()
    record_no(
        contact_id=bob, purpose_code="", source_id=uuid4(), actor_id=uuid4(), now=timezone.now()
    )
    settings.PROCESS = "staff"
    rows = rows_of(body_of(mia, _of(export, "download")))
    assert [row["email"] for row in rows] == ["alice@example.org"]
    assert current_reader() is None
    account = Account.objects.get(username="mia")
    lines = readings_by(reader_id=account.id).filter(reference=str(export.id))
    people = lines.get(retention_class=RetentionClass.PROFILE)
    assert (people.subject_ids, people.why) == ([alice], "export-download")
    read = readings(reader_id=account.id, now=timezone.now())
    assert (read.opened_day, read.listed_day) == (0, 0)
    officer = staff_client("dpo", username="dominique")
    assert "Download of an export" in words(officer.get(reverse("contact-readings", args=[alice])))
    page = officer.get(reverse("account-readings", args=[account.id])).content.decode()
    assert reverse("contact", args=[alice]) in page
    # The part of the file is no contact: it has no page to go to.
    part = lines.get(retention_class=RetentionClass.ACTIVITY).subject_ids[0]
    assert str(part) not in page


def test_a_reader_is_named_for_one_part_and_not_between_two(
    mia: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PART_ROWS", 1)
    for name in ("alice", "bob"):
        person(name)
    export = _ask(mia)
    _work()
    settings.PROCESS = "staff"
    answer = mia.post(_of(export, "download"))
    for _part in answer.streaming_content:  # type: ignore[attr-defined]
        assert current_reader() is None


@pytest.mark.parametrize("how", ["closed", "another role", "last day", "signed out"])
def test_a_download_ends_with_the_right_to_it(
    mia: Client, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.accounts.sessions.STREAM_STEP", timedelta(0))
    person("alice")
    export = _ask(mia)
    _work()
    parts = iter(mia.post(_of(export, "download")).streaming_content)  # type: ignore[attr-defined]
    assert b"alice" not in next(parts)
    account = Account.objects.filter(username="mia")
    if how == "closed":
        close_account("mia")
    elif how == "another role":
        account.update(role="sales")
    elif how == "last day":
        account.update(ends_on=timezone.localdate() - timedelta(days=1))
    else:
        mia.post(reverse("sign-out"))
    with pytest.raises(SessionEnded):
        next(parts)
    assert ExportDownload.objects.get().finished_at is None


def test_two_clicks_are_one_export_and_other_terms_are_another(mia: Client) -> None:
    person("alice")
    for _click in range(2):
        assert mia.post("/exports/new", ASKED).status_code == 302
    assert Export.objects.count() == 1
    mia.post("/exports/new", {**ASKED, "columns": ["email"]})
    assert Export.objects.count() == 2
    page = soup(mia.get("/exports/new"))
    field = page.find("input", {"name": "source", "type": "hidden"})
    assert field is not None
    assert UUID(str(field["value"]))  # type: ignore[index]


def test_many_small_ones_are_a_big_one(mia: Client, settings: Settings) -> None:
    settings.EXPORT_ALONE_MAX = 2
    person("alice")
    assert [_ask(mia).approval_id for _time in range(2)] == [None, None]
    third = _ask(mia)
    assert third.approval_id is not None
    other = staff_client("marketing", username="max")
    assert _ask(other).approval_id is None
    past = datetime.now(UTC) - timedelta(hours=24, minutes=1)
    Export.objects.update(requested_at=past)
    assert _ask(mia).approval_id is None


def test_the_link_dies_and_says_why(mia: Client) -> None:
    person("alice")
    export = _ask(mia)
    _work()
    for _time in range(5):
        body_of(mia, _of(export, "download"))
    answer = mia.post(_of(export, "download"))
    assert answer.status_code == 410
    assert "downloaded 5 times, which is all" in words(answer)
    other = _ask(mia)
    _work()
    past = datetime.now(UTC) - timedelta(minutes=1)
    Export.objects.filter(id=other.id).update(expires_at=past)
    for answer in (mia.get(_of(other, "download")), mia.post(_of(other, "download"))):
        assert answer.status_code == 410
        assert "nobody can open it any more" in words(answer)
    _work()
    assert mia.get(_of(other, "download")).status_code == 410
    assert Export.objects.get(id=other.id).destroyed_at


def test_what_is_taken_back_is_gone(mia: Client) -> None:
    person("alice")
    export = _ask(mia)
    _work()
    assert "is taken back" in words(mia.post(_of(export, "cancel"), follow=True))
    answer = mia.post(_of(export, "download"))
    assert answer.status_code == 410
    assert "taken back" in words(answer)
    assert "over already" in words(mia.post(_of(export, "cancel"), follow=True))


def test_a_big_one_waits_for_the_officer(mia: Client, settings: Settings) -> None:
    settings.EXPORT_ALONE_MAX = 1
    person("alice")
    person("bob")
    export = _ask(mia)
    _work()
    assert "must agree to it first" in words(mia.get(_of(export)))
    assert mia.get("/approvals/").status_code == 403
    officer = staff_client("dpo", username="dominique")
    shown = words(officer.get(f"/approvals/{Approval.objects.get().id}/"))
    assert "Everybody" in shown
    assert "People at most 2" in shown
    assert "Invitations to an event" in shown
    assert "E-mail, Last name" in shown
    officer.post(f"/approvals/{Approval.objects.get().id}/", {"do": "approve"})
    _work()
    assert len(rows_of(body_of(mia, _of(export, "download")))) == 2


def test_an_officer_does_not_agree_to_their_own(settings: Settings) -> None:
    settings.EXPORT_ALONE_MAX = 0
    person("alice")
    officer = staff_client("dpo", username="dominique")
    _ask(officer)
    number = Approval.objects.get().id
    assert "another person decides" in words(officer.get("/approvals/"))
    officer.post(f"/approvals/{number}/", {"do": "approve"})
    assert Approval.objects.get().decided_at is None


def test_the_officer_sees_every_export_and_downloads_none_of_others(mia: Client) -> None:
    person("alice")
    export = _ask(mia)
    _work()
    other = staff_client("marketing", username="max")
    assert "No export yet" in words(other.get("/exports/"))
    for page in ("", "progress", "download"):
        assert other.get(_of(export, page)).status_code == 404
    assert other.post(_of(export, "cancel")).status_code == 404
    assert other.post(_of(export, "download")).status_code == 404
    officer = staff_client("dpo", username="dominique")
    assert "mia" in words(officer.get("/exports/"))
    assert officer.get(_of(export)).status_code == 200
    assert officer.post(_of(export, "download")).status_code == 404
    assert not ExportDownload.objects.exists()
    officer.post(_of(export, "cancel"))
    assert Export.objects.get().cancelled_at


@pytest.mark.parametrize("role", ["sales", "communication", "support", "dsi", "operations"])
def test_other_roles_export_nobody(role: str) -> None:
    client = staff_client(role)
    for url in ("/exports/", "/exports/new"):
        assert client.get(url).status_code == 403
    assert client.post("/exports/new", ASKED).status_code == 403
    assert "Exports" not in words(client.get("/"))


def test_the_second_factor_is_shown_again_to_ask_and_to_download(mia: Client) -> None:
    person("alice")
    export = _ask(mia)
    _work()
    set_session(mia, **{CONFIRMED: time.time() - 3600})
    for answer in (
        mia.post("/exports/new", ASKED),
        mia.get(_of(export, "download")),
        mia.post(_of(export, "download")),
    ):
        assert answer.headers["Location"].startswith("/account/confirm")
    assert (Export.objects.count(), ExportDownload.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": "because Alice asked"},
        {"columns": []},
        {"columns": ["iban"]},
        {"keep_days": "31"},
        {"purpose": "targeted_promotion:sms"},
        {"purpose": "newsletter:email"},
        {"scope": "segment:nothing"},
    ],
)
def test_a_wrong_question_is_answered_on_the_form(mia: Client, wrong: dict[str, object]) -> None:
    person("alice")
    answer = mia.post("/exports/new", {**ASKED, **wrong})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Export.objects.exists()


def test_the_list_is_paged_and_loses_none(mia: Client) -> None:
    person("alice")
    first = _ask(mia)
    account = Account.objects.get(username="mia")
    Export.objects.bulk_create(
        Export(
            **{
                **{f.attname: getattr(first, f.attname) for f in Export._meta.concrete_fields},
                "id": UUID(int=number),
            }
        )
        for number in range(1, 121)
    )
    page, seen = mia.get("/exports/"), set[UUID]()
    while True:
        seen |= {line["export"].id for line in page.context["exports"]}
        if not page.context["has_more"]:
            break
        page = mia.get(page.context["next_url"])
    assert seen == set(Export.objects.filter(requested_by=account.id).values_list("id", flat=True))
