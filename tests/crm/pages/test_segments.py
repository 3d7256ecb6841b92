"""The segment builder by its form, as a browser without JavaScript and one with htmx use it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.models import Account, Contact, Segment
from crm.segments.counting import Count
from crm.segments.rules import FACTS, OPERATORS, parse
from crm.services import create_segment, record_sent, segments
from privacy.models import AccessRecord
from tests.conftest import NOW
from tests.consent.people import newsletter, submit
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.people import make_contact
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
NEW = "/segments/new"
Fields = dict[str, list[str]]


def fields_of(page: BeautifulSoup) -> Fields:
    """Return what a browser would send of the builder, without a button."""
    form = page.select_one("form#segment")
    assert form is not None
    sent: Fields = {}
    for control in form.select("input[name], textarea[name], select[name]"):
        name, kind = str(control["name"]), control.get("type")
        if name == "csrfmiddlewaretoken" or (
            kind == "checkbox" and not control.has_attr("checked")
        ):
            continue
        if control.name == "select":
            chosen = control.select_one("option[selected]") or control.select_one("option")
            sent.setdefault(name, []).append(str(chosen["value"]) if chosen else "")
        elif control.name == "textarea":
            sent.setdefault(name, []).append(control.get_text())
        else:
            sent.setdefault(name, []).append(str(control.get("value", "")))
    return sent


class Builder:
    """A person at the builder without JavaScript: every step is a whole form sent."""

    def __init__(self, client: Client, url: str = NEW) -> None:
        self.client, self.url = client, url
        self.page = soup(client.get(url))
        self.fields = fields_of(self.page)

    def set(self, name: str, *values: str) -> "Builder":
        assert self.page.select(f'[name="{name}"]'), f"there is no field {name}"
        self.fields[name] = list(values)
        return self

    def press(self, action: str) -> Any:
        buttons = self.page.select(f'button[name=do][value="{action}"]')
        assert buttons or action == "redraw", f"there is no button {action}"
        response = self.client.post(self.url, {**self.fields, "do": action})
        if response.status_code == 200:
            self.page = soup(response)
            self.fields = fields_of(self.page)
        return response

    def choose(self, path: str, fact: str, operator: str, *values: str) -> "Builder":
        """Choose a fact, then an operator, then a value, redrawing the form in between."""
        self.set(f"{path}.fact", fact).press("redraw")
        self.set(f"{path}.is", operator).press("redraw")
        return self.set(f"{path}.value", *values)


@pytest.fixture
def builder(client: Client) -> Builder:
    arrive("Alice", language="fr")
    arrive("Bob", language="en")
    return Builder(client)


def test_a_segment_is_built_counted_and_saved_without_javascript(builder: Builder) -> None:
    builder.press("rule:r")
    builder.choose("r.0", "language", "one_of", "fr")
    builder.press("count")
    assert "1 contact" in builder.page.get_text(" ", strip=True)
    builder.set("name", "French").set("description", "Readers of French")
    response = builder.press("save")
    assert response.headers["Location"] == "/segments/"
    row = Segment.objects.get()
    assert (row.name, row.description) == ("French", "Readers of French")
    assert row.rules == {
        "match": "all",
        "rules": [{"fact": "language", "is": "one_of", "value": ["fr"]}],
    }
    assert row.created_by is not None


CAMPAIGN = "0199c0de-0000-7000-8000-000000000001"
OWNER, OTHER = "0199c0de-0000-7000-8000-00000000000a", "0199c0de-0000-7000-8000-00000000000b"
VALUES: dict[str, tuple[list[str], Any]] = {
    "language": (["fr", "en"], ["fr", "en"]),
    "country": (["fr, be\nch"], ["FR", "BE", "CH"]),
    "status": (["customer"], ["customer"]),
    "source": (["salon de Lyon\r\n  site  \r\n"], ["salon de Lyon", "site"]),
    "tag": (["vip"], ["vip"]),
    "form": (["contact"], ["contact"]),
    "campaign": (
        ["0199c0de-0000-7000-8000-000000000001"],
        ["0199c0de-0000-7000-8000-000000000001"],
    ),
    "permission": (["newsletter"], ["newsletter"]),
    "has_phone": (["no"], False),
    "is_professional": (["yes"], True),
    "has_organisation": (["yes"], True),
    "organisation_country": (["fr be"], ["FR", "BE"]),
    "under_contract": (["no"], False),
    "open_lead": (["yes"], True),
    "lead_state": (["new", "in_progress"], ["new", "in_progress"]),
    "lead_owner": ([OWNER], [OWNER]),
    "segment": ([OTHER], [OTHER]),
    "opened_campaign": ([CAMPAIGN], [CAMPAIGN]),
    "clicked_campaign": ([CAMPAIGN], [CAMPAIGN]),
}


@pytest.mark.parametrize(
    ("fact", "operator"), [(f.name, o) for f in FACTS.values() for o in OPERATORS[f.kind]]
)
def test_every_fact_and_operator_can_be_built(client: Client, fact: str, operator: str) -> None:
    typed, kept = VALUES.get(fact, (["2026-10-01"], "2026-10-01"))
    if operator.endswith("days"):
        typed, kept = ["30"], 30
    if operator == "ever":
        typed, kept = ["no"], False
    contact = make_contact(tags=["vip"], forms=["contact"])
    if fact == "campaign":
        record_sent(campaign_id=UUID(typed[0]), contact_ids=[contact.id], at=NOW)
    submit(contact.id, newsletter(is_ticked=True))
    Account.objects.create(id=OWNER, username="anna", role="sales")
    Segment.objects.create(id=OTHER, name="Other", rules={}, created_at=NOW, updated_at=NOW)
    builder = Builder(client)
    builder.press("rule:r")
    builder.choose("r.0", fact, operator, *typed)
    builder.set("name", "One").press("save")
    made = Segment.objects.exclude(id=OTHER).get()
    rules = made.rules
    assert rules["rules"] == [{"fact": fact, "is": operator, "value": kept}]
    parse(rules)
    again = Builder(client, f"/segments/{made.id}/")
    assert unlabelled(again.page) == []
    again.press("save")
    assert Segment.objects.get(id=made.id).rules == rules


def test_rules_and_groups_are_added_nested_and_removed(builder: Builder) -> None:
    builder.press("rule:r")
    builder.choose("r.0", "has_phone", "equal", "yes")
    builder.press("group:r")
    builder.choose("r.1.0", "language", "one_of", "fr").press("rule:r.1")
    builder.choose("r.1.1", "language", "one_of", "en")
    builder.set("r.match", "all").set("r.1.match", "any")
    builder.press("group:r.1")
    builder.choose("r.1.2.0", "status", "one_of", "customer")
    builder.press("remove:r.1.0")
    assert [one["value"] for one in builder.page.select("button[autofocus]")] == ["rule:r.1"]
    builder.press("remove:r.0")
    builder.set("name", "Nested").press("save")
    assert Segment.objects.get().rules == {
        "match": "all",
        "rules": [
            {
                "match": "any",
                "rules": [
                    {"fact": "language", "is": "one_of", "value": ["en"]},
                    {
                        "match": "any",
                        "rules": [{"fact": "status", "is": "one_of", "value": ["customer"]}],
                    },
                ],
            }
        ],
    }


def test_a_mistake_is_told_beside_its_row_and_nothing_is_lost(builder: Builder) -> None:
    builder.press("rule:r")
    builder.press("rule:r")
    builder.choose("r.0", "country", "one_of", "France")
    builder.choose("r.1", "created", "in_last_days", "-3")
    builder.set("name", "Wrong").press("save")
    rows = builder.page.select(".people-rule")
    assert "two capital letters" in rows[0].get_text()
    assert "Write a number of days, 1 or more." in rows[1].get_text()
    assert builder.fields["r.1.value"] == ["-3"]
    assert "FRANCE" in " ".join(builder.fields["r.0.value"]).upper()
    assert not Segment.objects.exists()


def test_a_rule_that_was_not_begun_is_no_mistake_until_it_is_saved(builder: Builder) -> None:
    builder.press("rule:r")
    builder.press("count")
    assert not builder.page.select("#rules .accord-error")
    assert "Finish the rules" in builder.page.get_text()
    builder.set("name", "Half").press("save")
    assert "Choose at least one value." in builder.page.get_text()


def test_a_group_that_lost_its_last_rule_says_so(builder: Builder) -> None:
    builder.press("group:r")
    builder.press("remove:r.0.0")
    builder.set("name", "Empty").press("save")
    assert "This group needs a rule." in builder.page.get_text()
    assert not Segment.objects.exists()


def test_a_segment_needs_a_name_of_its_own(builder: Builder) -> None:
    builder.press("save")
    assert "Give the segment a name." in builder.page.get_text()
    create_segment(name="All", rules={}, now=NOW)
    builder.set("name", "All").press("save")
    assert "Another segment has this name." in builder.page.get_text()
    assert Segment.objects.count() == 1


def test_the_waterfall_of_a_purpose_adds_up_on_the_page(client: Client) -> None:
    alice, bob = arrive("Alice"), arrive("Bob")
    arrive("Charlie")
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    submit(bob, newsletter(is_ticked=True), email="bob@example.org")
    builder = Builder(client)
    assert builder.fields["purpose"] == ["newsletter:email"]
    builder.press("count")
    steps = [item.get_text(" ", strip=True) for item in builder.page.select(".people-waterfall li")]
    assert "The person has given no answer to this. − 1" in steps
    assert "The person has not confirmed by e-mail yet. − 1" in steps
    assert steps[-1] == "Can be reached 1"
    builder.set("purpose", "").press("count")
    assert not builder.page.select(".people-waterfall")
    assert "3 contacts" in builder.page.get_text(" ", strip=True)


def test_opening_a_page_counts_nobody(client: Client) -> None:
    one = create_segment(
        name="FR",
        rules={"match": "all", "rules": [{"fact": "has_phone", "is": "equal", "value": True}]},
        now=NOW,
    )
    with CaptureQueriesContext(connection) as asked:
        page = soup(client.get(f"/segments/{one}/"))
        client.get(NEW)
        client.get("/segments/")
    assert not [q for q in asked.captured_queries if "count(" in q["sql"].lower()]
    waiting = page.select_one("#preview")
    assert waiting is not None
    assert waiting["hx-trigger"] == "load"


def _htmx(client: Client, fields: Fields, target: str) -> BeautifulSoup:
    headers = {"HX-Request": "true", "HX-Target": target}
    return soup(client.post(NEW, fields, headers=headers))


def test_htmx_redraws_the_rows_or_only_the_numbers(builder: Builder) -> None:
    rows = _htmx(builder.client, {**builder.fields, "do": ["rule:r"]}, "rules")
    assert rows.find("html") is None
    assert rows.select_one("#rules .people-rule select[autofocus]") is not None
    numbers = rows.select_one("#preview")
    assert numbers is not None
    assert numbers["hx-swap-oob"] == "true"
    builder.press("rule:r")
    builder.choose("r.0", "country", "one_of", "France")
    only = _htmx(builder.client, builder.fields, "preview")
    assert only.select_one("#rules") is None
    assert only.select_one("#preview") is not None
    error = only.select_one("#error-r-0")
    assert error is not None
    assert "two capital letters" in error.get_text()


def test_another_fact_drops_the_value_of_the_first(builder: Builder) -> None:
    builder.press("rule:r")
    builder.choose("r.0", "source", "one_of", "site")
    builder.set("r.0.fact", "country").press("redraw")
    assert builder.fields["r.0.value"] == [""]


def test_many_rows_ask_for_their_choices_once(builder: Builder) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            builder.press("redraw")
        return len(asked.captured_queries)

    make_contact(tags=["vip"])
    builder.press("rule:r")
    builder.choose("r.0", "tag", "one_of")
    one = cost()
    for number in range(1, 6):
        builder.press("rule:r")
        builder.choose(f"r.{number}", "tag", "one_of")
    assert cost() == one


@pytest.mark.parametrize(
    "hostile",
    [
        {"r.0.fact": "password", "r.0.value": "x"},
        {"r.0.fact": "source", "r.0.is": "= ANY", "r.0.value": "a\x00b"},
        {"r.0.match": "some", "r.0.0.0.0.0.0.0.fact": "language"},
        {"r.999.fact": "created", "r.999.is": "before", "r.999.value": "9999-99-99"},
        {"r.match": "'; DROP TABLE", "do": "group:r.5.5"},
        {"do": "remove:"},
        {"purpose": "x:y"},
    ],
)
def test_a_forged_form_is_answered_as_any_other(client: Client, hostile: dict[str, str]) -> None:
    assert client.post(NEW, {"name": "x", **hostile}).status_code == 200
    assert not Segment.objects.exists()


def test_archive_can_be_undone(client: Client) -> None:
    one = create_segment(name="Old", rules={}, now=NOW)
    response = client.post(f"/segments/{one}/archive", follow=True)
    assert "“Old” is archived." in words(response)
    assert segments() == []
    undo = soup(response).select_one(".people-undo form")
    assert undo is not None
    assert "The segment is back." in words(client.post(str(undo["action"]), follow=True))
    assert [row.id for row in segments()] == [one]


def test_an_undo_that_meets_a_new_segment_of_its_name_says_so(client: Client) -> None:
    one = create_segment(name="Old", rules={}, now=NOW)
    client.post(f"/segments/{one}/archive")
    create_segment(name="Old", rules={}, now=NOW)
    response = client.post(f"/segments/{one}/restore", follow=True)
    assert "Another segment was given this name meanwhile" in words(response)


def test_a_segment_that_is_not_there_is_a_404(client: Client) -> None:
    for what in ("", "archive", "restore"):
        assert client.post(f"/segments/{uuid4()}/{what}").status_code == 404
    assert client.get(f"/segments/{uuid4()}/").status_code == 404
    assert client.get("/segments/?archived=nonsense").status_code == 200


@pytest.mark.usefixtures("vault")
def test_the_data_protection_officer_tries_rules_out_and_saves_nothing() -> None:
    one = create_segment(name="FR", rules={}, now=NOW)
    browser = staff_client("dpo")
    builder = Builder(browser, f"/segments/{one}/")
    assert not builder.page.select("button[value=save]")
    assert builder.press("count").status_code == 200
    fields = {**builder.fields, "do": "save"}
    assert browser.post(f"/segments/{one}/", fields).status_code == 403
    assert browser.get(NEW).status_code == 403
    assert browser.post(f"/segments/{one}/archive").status_code == 403
    assert Segment.objects.get().archived_at is None


def test_the_list_is_empty_then_full(client: Client) -> None:
    assert "No segment yet" in words(client.get("/segments/"))
    create_segment(name="Readers", rules={}, description="They read", now=NOW)
    shown = words(client.get("/segments/"))
    assert "Readers" in shown
    assert "They read" in shown


def test_a_row_is_moved_into_a_group_and_out_of_it(builder: Builder) -> None:
    builder.press("rule:r")
    builder.choose("r.0", "has_phone", "equal", "yes")
    builder.press("group:r")
    builder.choose("r.1.0", "language", "one_of", "fr")
    builder.press("down:r.0")
    assert builder.fields["r.0.0.fact"] == ["has_phone"]
    assert builder.fields["r.0.1.fact"] == ["language"]
    focused = [button["value"] for button in builder.page.select("button[autofocus]")]
    assert focused == ["down:r.0.0"]
    builder.press("up:r.0.0")
    assert builder.fields["r.0.fact"] == ["has_phone"]
    assert builder.fields["r.1.0.fact"] == ["language"]
    builder.press("up:r.0")  # the first place stays the first
    assert builder.fields["r.0.fact"] == ["has_phone"]


def test_a_group_is_not_moved_deeper_than_groups_go(builder: Builder) -> None:
    for path in ("r", "r.0", "r.0.1"):
        builder.press(f"group:{path}")
    builder.press("group:r")
    builder.press("up:r.1")
    # Into the first group it may go, and there it stands at the end.
    assert "r.0.2.match" in builder.fields
    builder.press("up:r.0.2")
    assert "r.0.1.2.match" in builder.fields
    builder.press("up:r.0.1.2")
    # Further in there would be too many: it passes by.
    assert "r.0.1.1.match" in builder.fields
    assert "r.0.1.2.match" in builder.fields


def test_a_sample_and_an_explanation_are_read_as_the_page_and_noted(client: Client) -> None:
    alice, bob = arrive("Alice", language="fr"), arrive("Bob", language="en")
    builder = Builder(client)
    builder.press("rule:r")
    builder.choose("r.0", "language", "one_of", "fr")
    before = AccessRecord.objects.count()
    builder.press("sample")
    shown = builder.page.select_one("#sample")
    assert shown is not None
    assert "Alice Martin" in shown.get_text()
    assert "Bob Martin" not in shown.get_text()
    noted = AccessRecord.objects.order_by("at").last()
    assert noted is not None
    assert AccessRecord.objects.count() == before + 1
    assert (noted.why, noted.subject_ids) == ("segment-new", [alice])
    builder.press(f"explain:{alice}")
    assert "In the segment" in builder.page.select_one("#explanation").get_text()  # type: ignore[union-attr]
    builder.set("who", "bob@example.org").press("explain")
    why = builder.page.select_one("#explanation").get_text(" ", strip=True)  # type: ignore[union-attr]
    assert "Not in the segment" in why
    assert "Language: French does not hold" in why
    assert str(bob) in str(builder.page.select_one("#explanation"))
    builder.set("who", "nobody@example.org").press("explain")
    assert "No contact has this address." in builder.page.get_text()


def test_whose_data_must_be_left_unused_is_in_no_sample_and_is_not_explained(
    client: Client,
) -> None:
    alice, _bob = arrive("Alice", language="fr"), arrive("Bob", language="fr")
    Contact.objects.filter(id=alice).update(restricted_at=NOW)
    builder = Builder(client)
    builder.press("rule:r")
    builder.choose("r.0", "language", "one_of", "fr")
    builder.press("sample")
    shown = builder.page.select_one("#sample")
    assert shown is not None
    assert "Bob Martin" in shown.get_text()
    assert "Alice" not in shown.get_text()
    builder.set("who", "alice@example.org").press("explain")
    assert "asked that their data be left unused" in builder.page.get_text()
    assert "Alice Martin" not in builder.page.get_text()


def test_a_contact_says_which_segments_hold_it(client: Client) -> None:
    alice = arrive("Alice", language="fr")
    fr = {"match": "all", "rules": [{"fact": "language", "is": "one_of", "value": ["fr"]}]}
    one = create_segment(name="French", rules=fr, now=NOW)
    create_segment(name="Not French", rules={**fr, "match": "none"}, now=NOW)
    page = soup(client.get(f"/contacts/{alice}/segments"))
    held = page.select_one(".people-finding-yes a")
    assert held is not None
    assert held.get_text() == "French"
    assert held["href"] == f"/segments/{one}/?who={alice}"
    assert "In the segment" in words(client.get(str(held["href"])))
    assert client.get(f"/contacts/{uuid4()}/segments").status_code == 404


def test_a_copy_is_opened_and_the_archive_is_a_page(client: Client) -> None:
    one = create_segment(name="French", rules={}, now=NOW)
    answer = client.post(f"/segments/{one}/duplicate", follow=True)
    assert "Copy of French" in words(answer)
    client.post(f"/segments/{one}/archive")
    shown = words(client.get("/segments/archived"))
    assert "French" in shown
    assert "Restore" in shown


def test_a_segment_that_names_itself_is_told_beside_its_row(client: Client) -> None:
    one = create_segment(name="Round", rules={}, now=NOW)
    builder = Builder(client, f"/segments/{one}/")
    builder.press("rule:r")
    builder.choose("r.0", "segment", "one_of", str(one)).press("save")
    assert "This segment would lead back to itself." in builder.page.get_text()
    assert Segment.objects.get().rules == {}


def test_an_estimate_says_that_it_is_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive("Alice")
    monkeypatch.setattr(
        "crm.pages.segment_edit.how_many", lambda **_asked: Count(1_200_000, is_estimate=True)
    )
    builder = Builder(client)
    builder.press("redraw")
    said = builder.page.select_one("#preview").get_text(" ", strip=True)  # type: ignore[union-attr]
    assert "about 1,200,000 contacts" in said
    assert "An estimate of the database" in said
    assert builder.page.select_one("#preview button[value=count]") is not None
