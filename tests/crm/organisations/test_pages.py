"""Organisations: sealed, masked, shown in full with a reason, and edited by few."""

import time
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from stdnum.iban import calc_check_digits

from crm.models import Account, Contact, NumberChange, NumberShown, Organisation, TimelineEntry
from crm.organisations import Change, OrganisationUnknown, change_organisation, details_of
from crm.step_up import CONFIRMED
from privacy.services import Unreadable, readings, readings_of
from tests.conftest import NOW, Connect
from tests.crm.pages.arrivals import arrive, words
from tests.crm.staff import set_session, staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
IBAN, CARD = "FR1420041010050500013M02606", "4111111111111111"
SAID = {
    "name": "Dupont & Fils",
    "country": "fr",
    "contract_ends_on": "2027-06-30",
    "address": "1 rue de la Paix\n75002 Paris",
    "fax": "01 23 45 67 89",
    "iban": "FR14 2004 1010 0505 0001 3M02 606",
    "bic": "psstfrppxxx",
    "card_number": "4111 1111 1111 1111",
    "notes": "Pays at the end of the month.",
}


@pytest.fixture
def mia() -> Client:
    return staff_client("marketing", username="mia")


def _made(client: Client, **changes: str) -> UUID:
    answer = client.post("/organisations/new", {**SAID, **changes})
    assert answer.status_code == 302, words(answer)
    return Organisation.objects.latest("created_at").id


def _of(number: UUID, page: str = "") -> str:
    return f"/organisations/{number}/{page}"


def test_what_was_written_is_sealed_and_shown_masked(mia: Client) -> None:
    number = _made(mia)
    kept = details_of(organisation_ids=[number])[number]
    assert (list(kept.ibans), kept.bic, kept.card_number) == ([IBAN], "PSSTFRPPXXX", CARD)
    assert (kept.name, kept.fax) == ("Dupont & Fils", "+33123456789")
    page = mia.get(_of(number))
    shown = words(page)
    for text in ("Dupont & Fils", "FR •••• 2606", "•••• 1111", "1 rue de la Paix", "30 June 2027"):
        assert text in shown, text
    for url in (_of(number), _of(number, "edit"), _of(number, "numbers"), "/organisations/"):
        text = mia.get(url).content.decode().replace(" ", "")
        assert IBAN not in text, url
        assert CARD not in text, url
    assert "Dupont & Fils" in words(mia.get("/organisations/"))


def test_nothing_of_it_is_in_clear_in_any_table(mia: Client, connect: Connect) -> None:
    number = _made(mia)
    mia.post(_of(number, "numbers"), {"reason": "payment"})
    for zone in ("crm", "vault", "intake"):
        with connect("owner", zone) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            dump = "".join(
                str(connection.execute(f'SELECT t::text FROM "{name}" t').fetchall())
                for (name,) in tables
            )
        as_bytes = dump.lower()
        for secret in (IBAN, CARD, "Dupont", "rue de la Paix", "123456789", "PSSTFRPPXXX"):
            assert secret.lower() not in as_bytes, (zone, secret)
            assert secret.encode().hex() not in as_bytes, (zone, secret)


def test_the_numbers_are_shown_with_a_reason_which_is_recorded(mia: Client) -> None:
    number = _made(mia)
    assert mia.post(_of(number, "numbers"), {"reason": ""}).status_code == 422
    assert mia.post(_of(number, "numbers"), {"reason": "curious"}).status_code == 422
    assert not NumberShown.objects.exists()
    answer = mia.post(_of(number, "numbers"), {"reason": "payment"})
    assert "FR14 2004 1010 0505 0001 3M02 606" in words(answer)
    assert "4111 1111 1111 1111" in words(answer)
    assert answer["Cache-Control"] == "no-store"
    row = NumberShown.objects.get()
    assert (row.organisation_id, row.reason) == (number, "payment")
    shown = words(mia.get(_of(number)))
    assert "mia : To make or check a payment" in shown or "mia: To make or check" in shown


def test_what_was_shown_cannot_be_unsaid(mia: Client, connect: Connect) -> None:
    mia.post(_of(_made(mia), "numbers"), {"reason": "payment"})
    with connect("staff", "crm") as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute("DELETE FROM crm_numbershown")


def test_the_second_factor_comes_before_the_numbers(mia: Client) -> None:
    number = _made(mia)
    set_session(mia, **{CONFIRMED: time.time() - 3600})
    for answer in (
        mia.get(_of(number, "numbers")),
        mia.post(_of(number, "numbers"), {"reason": "payment"}),
    ):
        assert answer.headers["Location"].startswith("/account/confirm")
    assert not NumberShown.objects.exists()


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("iban", "FR14 2004 1010 0505 0001 3M02 607"),
        ("card_number", "4111 1111 1111 1112"),
        ("bic", "NOT A BIC"),
        ("fax", "12"),
        ("name", ""),
        ("country", "F1"),
        ("notes", "card 5555 5555 5555 4444"),
        ("address", "4111-1111-1111-1111"),
        ("name", "4012888888881881"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_numbers_are_not_sent_back(
    mia: Client, field: str, typed: str
) -> None:
    answer = mia.post("/organisations/new", {**SAID, field: typed})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Organisation.objects.exists()
    text = answer.content.decode()
    for number in (SAID["iban"], SAID["card_number"]):
        assert number not in text
    if field in ("iban", "card_number"):
        assert typed not in text


def test_a_change_keeps_the_numbers_that_were_not_written_again(mia: Client) -> None:
    number = _made(mia)
    second = "DE89 3704 0044 0532 0130 00"
    mia.post(_of(number, "edit"), {**SAID, "iban": second, "card_number": "", "name": "Dupont"})
    kept = details_of(organisation_ids=[number])[number]
    assert list(kept.ibans) == [IBAN, second.replace(" ", "")]
    assert (kept.card_number, kept.name) == (CARD, "Dupont")
    change = {**SAID, "iban": "", "card_number": "", "forget_ibans": ["2606"], "forgets_card": "on"}
    mia.post(_of(number, "edit"), change)
    kept = details_of(organisation_ids=[number])[number]
    assert list(kept.ibans) == [second.replace(" ", "")]
    assert kept.card_number == ""


def test_every_change_of_a_number_leaves_a_line_that_nobody_takes_back(
    mia: Client, connect: Connect
) -> None:
    number = _made(mia)
    second = {**SAID, "iban": "DE89 3704 0044 0532 0130 00", "card_number": ""}
    mia.post(_of(number, "edit"), {**second, "forget_ibans": ["2606"], "bic": "DEUTDEFF"})
    mia.post(_of(number, "edit"), {**SAID, "iban": "", "card_number": "", "bic": "DEUTDEFF"})
    mia.post(
        _of(number, "edit"),
        {**SAID, "iban": "", "bic": "DEUTDEFF", "card_number": "5555 5555 5555 4444"},
    )
    account = Account.objects.get(username="mia")
    lines = NumberChange.objects.filter(organisation_id=number, account_id=account.id)
    assert sorted(lines.values_list("what", "last_four")) == [
        ("bic_changed", ""),
        ("bic_changed", ""),
        ("card_added", "1111"),
        ("card_added", "4444"),
        ("card_forgotten", "1111"),
        ("iban_added", "2606"),
        ("iban_added", "3000"),
        ("iban_forgotten", "2606"),
    ]
    assert "mia: IBAN forgotten •••• 2606" in words(mia.get(_of(number)))
    reader = staff_client("communication", username="cleo")
    assert "IBAN forgotten" not in words(reader.get(_of(number)))
    for statement in ("DELETE FROM crm_numberchange", "UPDATE crm_numberchange SET what = 'x'"):
        with (
            connect("staff", "crm") as connection,
            pytest.raises(Exception, match="permission denied"),
        ):
            connection.execute(statement)


def test_a_change_that_is_refused_leaves_no_line(mia: Client) -> None:
    number = _made(mia)
    before = NumberChange.objects.count()
    with connections["vault"].cursor() as cursor:
        cursor.execute("DELETE FROM dek WHERE subject_id = %s", [number])
    with pytest.raises(Unreadable):
        change_organisation(
            organisation_id=number,
            change=Change(name="Dupont"),
            country="",
            contract_ends_on=None,
            actor_id=uuid4(),
            now=NOW,
        )
    with pytest.raises(OrganisationUnknown):
        change_organisation(
            organisation_id=uuid4(),
            change=Change(name="Dupont"),
            country="",
            contract_ends_on=None,
            actor_id=uuid4(),
            now=NOW,
        )
    assert NumberChange.objects.count() == before


def test_the_second_factor_comes_before_a_number_is_written(mia: Client) -> None:
    number = _made(mia)
    set_session(mia, **{CONFIRMED: time.time() - 3600})
    for answer in (
        mia.post("/organisations/new", SAID),
        mia.get(_of(number, "edit")),
        mia.post(_of(number, "edit"), {**SAID, "iban": "DE89 3704 0044 0532 0130 00"}),
    ):
        assert answer.headers["Location"].startswith("/account/confirm")
    assert Organisation.objects.count() == 1
    assert list(details_of(organisation_ids=[number])[number].ibans) == [IBAN]


def test_companies_are_noted_and_not_counted_as_people(mia: Client, settings: Settings) -> None:
    alice = arrive("Alice")
    settings.PROCESS = "staff"
    number = _made(mia)
    for page in ("", "edit", "numbers"):
        assert mia.get(_of(number, page)).status_code == 200
    assert mia.post(_of(number, "edit"), {**SAID, "iban": "", "name": "Dupont"}).status_code == 302
    mia.get("/organisations/")
    account = Account.objects.get(username="mia")
    read = readings(reader_id=account.id, now=timezone.now())
    assert (read.opened_day, read.listed_day) == (0, 0)
    reasons = set(readings_of(subject_ids=[number]).values_list("why", flat=True))
    assert reasons == {
        "organisation",
        "organisation-edit",
        "organisation-numbers",
        "organisation-list",
    }
    # A person on the same page is one.
    mia.post(_of(number, "attach"), {"email": "alice@example.org"})
    assert "Alice" in words(mia.get(_of(number)))
    assert readings(reader_id=account.id, now=timezone.now()).opened_day == 1
    officer = staff_client("dpo", username="dominique")
    lines = officer.get(reverse("account-readings", args=[account.id]))
    assert "Page of the organisation" in words(lines)
    assert "Changing an organisation" in words(lines)
    assert f'href="{_of(number)}"' in lines.content.decode()
    Contact.objects.filter(id=alice).delete()
    lines = officer.get(reverse("account-readings", args=[account.id]))
    assert str(alice) not in lines.content.decode()


def test_five_account_numbers_and_no_more(mia: Client) -> None:
    number = _made(mia, iban="")
    for last in range(7):
        account = f"00000000000000000{last}"
        iban = f"DE{calc_check_digits('DE00' + account)}{account}"
        answer = mia.post(_of(number, "edit"), {**SAID, "iban": iban})
        assert answer.status_code == (302 if last < 5 else 422)
    assert len(details_of(organisation_ids=[number])[number].ibans) == 5


@pytest.mark.parametrize("role", ["support", "dsi", "operations", "administrator"])
def test_other_roles_see_no_organisation(role: str) -> None:
    number = _made(staff_client("sales", username="sam"))
    client = staff_client(role)
    for page in ("", "edit", "numbers"):
        assert client.get(_of(number, page)).status_code == 403
    assert client.get("/organisations/").status_code == 403
    assert "Organisations" not in words(client.get("/"))


@pytest.mark.parametrize(("role", "may_show"), [("communication", False), ("dpo", True)])
def test_who_reads_does_not_write(role: str, may_show: bool) -> None:
    number = _made(staff_client("sales", username="sam"))
    client = staff_client(role)
    assert "Dupont" in words(client.get(_of(number)))
    assert client.get("/organisations/new").status_code == 403
    assert client.post(_of(number, "edit"), SAID).status_code == 403
    assert client.post(_of(number, "attach"), {"email": "a@example.org"}).status_code == 403
    assert (client.get(_of(number, "numbers")).status_code == 200) is may_show


def test_a_contact_is_attached_and_detached(mia: Client) -> None:
    alice, number = arrive("Alice"), _made(mia)
    assert "No contact has this address" in words(
        mia.post(_of(number, "attach"), {"email": "nobody@example.org"}, follow=True)
    )
    for _time in range(2):
        mia.post(_of(number, "attach"), {"email": "ALICE@example.org "})
    assert Contact.objects.get(id=alice).organisation_id == number
    assert "Alice Martin" in words(mia.get(_of(number)))
    assert "alice@example.org" not in mia.get(_of(number)).content.decode()
    assert _of(number) in mia.get(reverse("contact", args=[alice])).content.decode()
    assert "Attached to an organisation" in words(mia.get(reverse("contact", args=[alice])))
    mia.post(_of(number, f"detach/{alice}"))
    assert Contact.objects.get(id=alice).organisation_id is None
    kinds = TimelineEntry.objects.filter(contact=alice, kind__in=["attached", "detached"])
    assert kinds.count() == 2


def test_an_unreadable_one_says_so_and_is_not_written_over(mia: Client) -> None:
    number = _made(mia)
    with connections["vault"].cursor() as cursor:
        cursor.execute("DELETE FROM dek WHERE subject_id = %s", [number])
    assert "Unreadable organisation" in words(mia.get(_of(number)))
    assert "Unreadable organisation" in words(mia.get("/organisations/"))
    assert "cannot be opened" in words(mia.post(_of(number, "edit"), SAID, follow=True))


def test_the_list_is_paged_and_loses_none(mia: Client) -> None:
    made = {_made(mia, name=f"Company {number}") for number in range(3)}
    first = Organisation.objects.get(id=min(made))
    Organisation.objects.bulk_create(
        Organisation(id=UUID(int=number), created_at=first.created_at) for number in range(1, 111)
    )
    page, seen = mia.get("/organisations/"), set[UUID]()
    while True:
        seen |= {row.id for row, _details in page.context["organisations"]}
        if not page.context["has_more"]:
            break
        page = mia.get(page.context["next_url"])
    assert seen == set(Organisation.objects.values_list("id", flat=True))
