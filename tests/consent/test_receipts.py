"""A person orders a receipt, reads it, takes it away, and checks it without us."""

import json
import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from consent import receipts, services
from consent.models import LedgerEvent, PublicReceipt, Seal, State, SubjectCard
from consent.sealing import seal_ledger
from privacy.models import Envelope
from privacy.services import drop_envelope, enrol
from tests.conftest import NOW
from tests.consent import graph, people, verifier
from tests.consent.people import ALICE, BOB

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "company", "anchor"),
]


@pytest.fixture
def alice() -> UUID:
    subject = enrol(email=ALICE).subject_id
    people.submit(
        subject,
        people.newsletter(is_ticked=True),
        people.promotion(is_ticked=False),
        needs_confirmation=False,
    )
    return subject


def preferences(subject: UUID, email: str = ALICE) -> str:
    links = services.opt_out_links(subjects={subject: email}, purpose_code="newsletter", now=NOW)
    return links[subject].preferences_url.removeprefix("http://127.0.0.1:8000")


def order(public_side: Client, path: str, language: str = "en") -> str:
    """Press the button; return the address of the page."""
    response = public_side.post(f"{path}/receipt?lang={language}")
    assert response.status_code == 303
    return str(response.headers["Location"])


def make() -> int:
    return services.make_waiting_receipts(now=timezone.now())


def words(response: object) -> str:
    assert isinstance(response, HttpResponse)
    text = BeautifulSoup(response.content, "html.parser").get_text(" ", strip=True)
    return re.sub(r"\s+", " ", text)


def address(response: object, words: str) -> str:
    """Where the link with these words leads."""
    assert isinstance(response, HttpResponse)
    page = BeautifulSoup(response.content, "html.parser")
    [link] = [each for each in page.find_all("a") if each.get_text(strip=True) == words]
    return str(link["href"])


# --- what a receipt is -----------------------------------------------------------------------


def test_a_receipt_is_valid_json_ld_of_the_profile(alice: UUID) -> None:
    seal_ledger(now=NOW)
    receipt = services.make_receipt(subject_id=alice, language="fr", now=NOW)
    found = graph.graph_of(receipt.document)
    assert graph.complaints(found) == ""
    assert graph.unknown_terms(found) == set()


def test_a_receipt_holds_what_decides_and_what_was_shown(alice: UUID) -> None:
    receipt = services.make_receipt(subject_id=alice, language="fr", now=NOW).document
    states = [
        next(
            record[name]["@type"]
            for name in ("dpv:hasConsentStatus", "dpv:hasStatus", "dpv:hasNoticeStatus")
            if name in record
        )
        for record in receipt["dpv:hasRecordOfActivity"]
    ]
    assert sorted(states) == [
        "dpv:ConsentGiven",
        "dpv:LegitimateInterestNotObjected",
        "dpv:NoticeCommunicated",
        "dpv:NoticeCommunicated",
    ]
    [notice] = receipt["dpv:hasNotice"]
    assert notice["schema:text"] == {"@language": "fr", "@value": "Avis"}


def test_the_way_out_is_in_it_and_nothing_that_names_the_person(alice: UUID) -> None:
    text = services.make_receipt(subject_id=alice, language="fr", now=NOW).content().decode()
    assert '/no"' in text and "cnil.fr" in text
    card = SubjectCard.objects.filter(subject_id=alice).first()
    assert "example.org" not in text and "192.0.2" not in text
    assert card is None or str(card.card_id) not in text


def test_what_is_not_sealed_yet_says_so_and_is_checked_without_it(
    alice: UUID, tmp_path: Path
) -> None:
    receipt = services.make_receipt(subject_id=alice, language="fr", now=NOW)
    assert {entry["sealed"] for entry in receipt.document["ledger"]["entries"]} == {False}
    path = tmp_path / "receipt.jsonld"
    path.write_bytes(receipt.content())
    done = verifier.run(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not in the log yet" in done.stdout


def test_after_a_no_the_receipt_says_no(alice: UUID) -> None:
    token = preferences(alice).rpartition("/")[2]
    people.decide("preferences", at=people.later(hours=1), token=token, everything="no")
    receipt = services.make_receipt(subject_id=alice, language="fr", now=NOW)
    assert [line.is_permitted for line in receipt.lines] == [False, False]
    assert {line.state for line in receipt.lines} == {
        State.CONSENT_WITHDRAWN,
        State.INTEREST_OBJECTED,
    }


# --- how a person gets it --------------------------------------------------------------------


def test_a_person_orders_reads_and_takes_away_a_receipt(
    public_side: Client, alice: UUID, tmp_path: Path
) -> None:
    page = order(public_side, preferences(alice))
    waiting = public_side.get(page)
    assert waiting.status_code == 200 and "being prepared" in words(waiting)
    assert waiting.headers["Refresh"].startswith("2; url=/r/")
    assert not waiting.cookies and waiting.headers["Cache-Control"] == "no-store"
    assert make() == 1
    shown = public_side.get(page)
    text = words(shown)
    for expected in (
        "Our newsletter by e-mail",
        "Allowed. You said yes.",
        "You were informed and did not object.",
        "in a form (contact)",
        "our legitimate interest (GDPR, article 6(1)(f))",
        "of the 5 in our sealed log",  # what was chosen a moment ago is sealed for it
        "people, version 1",
        verifier.key(),
    ):
        assert expected in text, expected
    assert "Refresh" not in shown.headers
    file = public_side.get(address(shown, "Download the receipt"))
    assert file.headers["Content-Type"] == "application/ld+json"
    assert 'filename="receipt.jsonld"' in file.headers["Content-Disposition"]
    path = tmp_path / "receipt.jsonld"
    path.write_bytes(file.content)
    served = b"".join(public_side.get(address(shown, "the program that checks it")))
    assert served == verifier.SCRIPT.read_bytes()
    done = verifier.run(path, "--key", verifier.key())
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_speaks_french_too(public_side: Client, alice: UUID) -> None:
    page = order(public_side, preferences(alice), "fr")
    make()
    shown = public_side.get(page)
    assert shown.headers["Content-Language"] == "fr"
    assert "Notre lettre d’information" in words(shown)


@pytest.mark.parametrize("email", [BOB, "bob+shop@example.org"])
def test_the_page_after_a_confirmation_gives_one_too(public_side: Client, email: str) -> None:
    subject = enrol(email=email).subject_id
    people.submit(subject, people.newsletter(is_ticked=True), email=email)
    from consent.models import ConfirmationRequest

    letter = services.write_letter(
        kind="confirmation",
        reference_id=ConfirmationRequest.objects.get().id,
        email=email,
        now=NOW,
    )
    assert letter is not None
    path = letter.values["confirm_url"].removeprefix("http://127.0.0.1:8000")
    public_side.post(path)
    services.apply_waiting_decisions(now=timezone.now())
    page = order(public_side, path)
    assert make() == 1
    assert "with the button of the confirmation e-mail" in words(public_side.get(page))


@pytest.mark.parametrize("method", ["get", "head"])
def test_following_the_address_of_the_button_orders_nothing(
    public_side: Client, alice: UUID, method: str
) -> None:
    response = getattr(public_side, method)(f"{preferences(alice)}/receipt")
    assert response.status_code == 405
    assert Envelope.objects.count() == 0


def test_reading_the_page_makes_nothing(public_side: Client, alice: UUID) -> None:
    page = order(public_side, preferences(alice))
    for _again in range(5):
        public_side.get(page)
        public_side.head(page)
    assert (Envelope.objects.count(), PublicReceipt.objects.count()) == (1, 0)
    make()
    before = PublicReceipt.objects.get()
    for _again in range(5):
        public_side.get(page)
    assert (LedgerEvent.objects.count(), PublicReceipt.objects.get()) == (5, before)


def test_a_link_that_is_not_ours_gets_no_receipt(public_side: Client, alice: UUID) -> None:
    path = preferences(alice)
    altered = path[:-1] + ("A" if path[-1] != "A" else "B")
    response = public_side.post(f"{altered}/receipt")
    if response.status_code == 303:  # only the worker can tell
        make()
    assert PublicReceipt.objects.count() == 0
    assert public_side.post("/p/too-short/receipt").status_code == 404


def test_a_link_of_another_scope_gets_no_receipt(alice: UUID) -> None:
    links = services.opt_out_links(subjects={alice: ALICE}, purpose_code="newsletter", now=NOW)
    token = links[alice].one_click_url.rpartition("/")[2]
    for scope in ("preferences", "confirm", "opt_out", ""):
        drop_envelope(
            kind=receipts.KIND,
            context=scope,
            envelope_id=UUID(int=len(scope) + 1),
            document={"scope": scope, "token": token, "key_hash": "00" * 32},
            now=NOW,
        )
    assert make() == 0
    assert PublicReceipt.objects.count() == 0


def test_a_person_of_whom_nothing_is_held_is_told_so(public_side: Client, alice: UUID) -> None:
    path = preferences(alice)
    SubjectCard.objects.all().delete()  # as after an erasure
    page = order(public_side, path)
    make()
    shown = public_side.get(page)
    assert shown.status_code == 200
    assert "We hold no permission of yours" in words(shown)
    key = page.partition("?")[0]
    assert public_side.get(f"{key}.jsonld").status_code == 404


def test_the_key_is_long_random_and_kept_nowhere(public_side: Client, alice: UUID) -> None:
    pages = {order(public_side, preferences(alice)).partition("?")[0] for _each in range(3)}
    make()
    assert len(pages) == 3
    rows = json.dumps(list(PublicReceipt.objects.values_list("document", flat=True)))
    for page in pages:
        key = page.rpartition("/")[2]
        assert len(key) == 43  # 256 bits
        assert key not in rows


def test_a_receipt_is_gone_after_a_day(public_side: Client, alice: UUID) -> None:
    page = order(public_side, preferences(alice))
    make()
    PublicReceipt.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert public_side.get(page + "&looks=30").status_code == 404
    assert PublicReceipt.objects.count() == 1
    make()
    assert PublicReceipt.objects.count() == 0


def test_the_page_stops_looking_after_a_minute(public_side: Client, alice: UUID) -> None:
    page = order(public_side, preferences(alice))
    for looks in range(30):
        response = public_side.get(page)
        assert response.status_code == 200, looks
        page = response.headers["Refresh"].partition("url=")[2]
    response = public_side.get(page)
    assert response.status_code == 404 and "Refresh" not in response.headers
    for odd in ("-1", "9" * 40, "x"):
        assert public_side.get(f"/r/{'A' * 43}?looks={odd}").status_code == 200


def test_an_order_taken_twice_makes_one_receipt(
    public_side: Client, alice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the two commits brings the envelope again."""
    order(public_side, preferences(alice))
    [envelope] = Envelope.objects.all()
    make()
    first = PublicReceipt.objects.get()
    envelope.save(force_insert=True)
    assert make() == 1
    assert PublicReceipt.objects.get().document == first.document


def test_the_bell_seals_nothing_while_nobody_ordered(public_side: Client, alice: UUID) -> None:
    make()
    assert not Seal.objects.exists()
    for _each in range(2):
        order(public_side, preferences(alice))
    make()
    assert Seal.objects.count() == 1


def test_orders_wait_while_as_many_are_kept_as_there_may_be(
    public_side: Client, alice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MOST_KEPT", 2)
    for _each in range(3):
        order(public_side, preferences(alice))
    assert (make(), make(), Envelope.objects.count()) == (2, 0, 1)
    PublicReceipt.objects.update(expires_at=timezone.now())
    assert make() == 1


def test_receipts_that_cannot_be_made_hold_up_nobodys_no(
    public_side: Client, alice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_anything: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(receipts, "make_receipt", broken)
    path = preferences(alice)
    order(public_side, path)
    assert make() == 0
    public_side.post(path, {"everything": "no"})
    assert services.settle_decisions(now=timezone.now())
    assert not people.permitted(alice)


def test_a_log_that_does_not_agree_does_not_keep_a_receipt_from_anybody(
    public_side: Client, alice: UUID, anchor: Path
) -> None:
    seal_ledger(now=NOW)
    people.submit(alice, people.newsletter(is_ticked=True), at=people.later(hours=1))
    (anchor / "heads.log").write_bytes(b"")
    order(public_side, preferences(alice))
    assert make() == 1
    entries = PublicReceipt.objects.get().document["receipt"]["ledger"]["entries"]
    assert not any(entry["sealed"] for entry in entries)


@pytest.mark.parametrize("scope", ["preferences", "confirm"])
def test_the_button_leads_where_an_order_is_taken(
    public_side: Client, alice: UUID, scope: str
) -> None:
    token = preferences(alice).rpartition("/")[2]
    button = render_to_string("consent/_receipt_button.html", {"token": token, "scope": scope})
    [action] = re.findall(r'action="([^"]+)"', button)
    assert 'method="post"' in button
    assert public_side.post(action).status_code == 303
