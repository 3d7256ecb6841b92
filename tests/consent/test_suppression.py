"""A "no" outlives the contact, covers the +tags and the number, and only the person lifts it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connections, transaction

from consent import services
from consent.ledger import Event, _rows, append
from consent.models import LedgerEvent, Permission, State, Suppression
from consent.services import Answer, Basis, Reach
from crm.contacts import record_no
from crm.services import Person, receive_many
from privacy.models import RetentionClass, TokenKind
from privacy.services import fingerprint_emails, fingerprint_phones
from privacy.vault.store import destroy_keys
from tests.conftest import NOW
from tests.consent.people import ALICE, decide, later, newsletter, notice_id, permitted, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
PHONE = "+33612345678"


def _contact(email: str = ALICE, phone: str = PHONE) -> UUID:
    person = Person(email=email, given_name="Alice", phone=phone)
    return receive_many(people=[(person, {"language": "fr", "source": "test"})], now=NOW)[0]


def _calls(*, is_ticked: bool, basis: str = Basis.LEGITIMATE_INTEREST) -> Answer:
    services.seed_purposes(now=NOW)
    is_interest = basis == Basis.LEGITIMATE_INTEREST
    return Answer(
        "phone_prospecting",
        "phone",
        basis,
        services.current_assessment(purpose_code="phone_prospecting") if is_interest else None,
        is_ticked,
        "Calls",
    )


def _links(subject: UUID, email: str = ALICE, purpose: str = "newsletter") -> dict[str, str]:
    made = services.opt_out_links(subjects={subject: email}, purpose_code=purpose, now=NOW)[subject]
    return {
        "u": made.one_click_url.rsplit("/", 1)[1],
        "p": made.preferences_url.rsplit("/", 1)[1],
    }


def _why(
    subject: UUID,
    *,
    email: str = ALICE,
    phone: str = PHONE,
    purpose: str = "newsletter",
    channel: str = "email",
) -> str | None:
    people = {subject: Reach(email, phone)}
    return services.reachable(people=people, purpose_code=purpose, channel=channel)[subject]


def _kept(kind: TokenKind) -> set[tuple[bytes, str]]:
    rows = Suppression.objects.filter(kind=kind)
    return {(bytes(row.fingerprint), row.purpose_code) for row in rows}


def test_a_link_of_a_tagged_address_says_no_for_the_whole_mailbox() -> None:
    tagged = "alice+shop@example.org"
    contact = _contact(tagged)
    submit(contact, newsletter(is_ticked=True), email=tagged, needs_confirmation=False)
    decide("opt_out", token=_links(contact, tagged)["u"])
    mark = fingerprint_emails(emails=[tagged])[0]
    assert _kept(TokenKind.EMAIL) == {(mark.exact, "newsletter"), (mark.wide, "newsletter")}
    other = uuid4()
    submit(other, newsletter(is_ticked=True), email=ALICE, needs_confirmation=False)
    assert not permitted(other)


def test_a_link_of_somebody_unknown_says_no_for_its_own_address() -> None:
    notice_id()
    stranger = uuid4()
    decide("opt_out", token=_links(stranger, "alice+shop@example.org")["u"])
    mark = fingerprint_emails(emails=["alice+shop@example.org"])[0]
    assert _kept(TokenKind.EMAIL) == {(mark.exact, "newsletter")}


def test_a_link_to_an_earlier_address_says_no_for_that_one() -> None:
    notice_id()
    contact = _contact("alice.now@example.org")
    decide("opt_out", token=_links(contact, "alice.before@example.org")["u"])
    mark = fingerprint_emails(emails=["alice.before@example.org"])[0]
    assert _kept(TokenKind.EMAIL) == {(mark.exact, "newsletter")}


@pytest.mark.parametrize("way", ["form", "staff", "preferences", "by_address"])
def test_a_no_to_calls_is_kept_for_the_number_whatever_the_way(way: str) -> None:
    contact = _contact()
    submit(contact, _calls(is_ticked=way == "form"))
    if way == "staff":
        record_no(
            contact_id=contact,
            purpose_code="phone_prospecting",
            source_id=uuid4(),
            actor_id=uuid4(),
            now=later(hours=1),
        )
    elif way == "preferences":
        token = _links(contact)["p"]
        decide("preferences", token=token, choices={"phone_prospecting": "no"}, at=later(hours=1))
    elif way == "by_address":
        decide("by_address", email=ALICE, at=later(hours=1))
    number = fingerprint_phones(phones=[PHONE])[0].exact
    code = "" if way == "by_address" else "phone_prospecting"
    assert _kept(TokenKind.PHONE) == {(number, code)}


def test_a_no_to_the_newsletter_says_nothing_of_the_number() -> None:
    contact = _contact()
    submit(contact, newsletter(is_ticked=True), needs_confirmation=False)
    decide("opt_out", token=_links(contact)["u"])
    assert _kept(TokenKind.PHONE) == set()


def test_a_number_survives_erasure_and_comes_back_as_suppressed() -> None:
    contact = _contact()
    submit(contact, _calls(is_ticked=True))
    destroy_keys(subject_id=contact, retention_classes=list(RetentionClass))
    newcomer = _contact("new.address@example.org")
    submit(newcomer, _calls(is_ticked=False), email="new.address@example.org")
    reached = _why(
        newcomer,
        email="new.address@example.org",
        purpose="phone_prospecting",
        channel="phone",
    )
    assert reached == "suppressed"


def test_somebody_known_by_number_alone_can_say_no() -> None:
    notice_id()
    subject = uuid4()
    services.withdraw_on_behalf(
        subject_id=subject,
        email="",
        phone=PHONE,
        purpose_code="phone_prospecting",
        source_id=uuid4(),
        actor_id=uuid4(),
        now=NOW,
    )
    assert _kept(TokenKind.EMAIL) == set()
    assert len(_kept(TokenKind.PHONE)) == 1


def test_a_yes_to_calls_on_the_preference_page_lifts_the_number() -> None:
    contact = _contact()
    submit(contact, _calls(is_ticked=True))
    token = _links(contact)["p"]
    decide("preferences", token=token, choices={"phone_prospecting": "yes"}, at=later(days=1))
    assert _kept(TokenKind.PHONE) == set()
    assert _why(contact, purpose="phone_prospecting", channel="phone") is None


def test_consent_to_calls_for_a_number_that_said_no_must_be_confirmed() -> None:
    first = _contact()
    submit(first, _calls(is_ticked=True))
    second = _contact("colleague@example.org")
    states = submit(
        second,
        _calls(is_ticked=True, basis=Basis.CONSENT),
        email="colleague@example.org",
        needs_confirmation=False,
    )
    assert states == ["NoticeCommunicated", "ConsentRequested"]


def test_reachable_says_why_not_for_many_at_once_in_two_statements(
    django_assert_max_num_queries: Any,
) -> None:
    notice_id()
    cast = {name: uuid4() for name in ("alice", "bob", "charlie", "erased", "nowhere")}
    addresses = {name: f"{name}@example.org" for name in cast}
    for name in ("alice", "bob", "erased", "nowhere"):
        submit(
            cast[name],
            newsletter(is_ticked=True),
            email=addresses[name],
            needs_confirmation=False,
        )
    decide("opt_out", token=_links(cast["bob"], addresses["bob"])["u"], at=later(hours=1))
    decide("by_address", email=addresses["erased"], at=later(hours=1))
    people = {cast[name]: Reach(addresses[name]) for name in cast} | {cast["nowhere"]: Reach()}
    with django_assert_max_num_queries(2):
        found = services.reachable(people=people, purpose_code="newsletter", channel="email")
    assert {name: found[cast[name]] for name in cast} == {
        "alice": None,
        "bob": "withdrawn",
        "charlie": "no_permission",
        "erased": "suppressed",
        "nowhere": "no_address",
    }


def test_a_no_by_address_stops_calls_and_a_no_by_number_stops_no_letter() -> None:
    """The address that said no to everything is asked about for calls too."""
    contact = uuid4()
    submit(contact, newsletter(is_ticked=True), _calls(is_ticked=False), needs_confirmation=False)
    decide("by_address", email=ALICE)
    assert _why(contact, purpose="phone_prospecting", channel="phone") == "suppressed"
    Suppression.objects.all().delete()
    services.withdraw_on_behalf(
        subject_id=uuid4(),
        email="",
        phone=PHONE,
        purpose_code="phone_prospecting",
        source_id=uuid4(),
        actor_id=uuid4(),
        now=NOW,
    )
    assert _why(contact) is None
    assert _why(contact, purpose="phone_prospecting", channel="phone") == "suppressed"


def test_a_reach_is_never_printed() -> None:
    assert ALICE not in repr(Reach(ALICE, PHONE))
    assert PHONE not in str({"x": Reach(ALICE, PHONE)})


# --- after a no ------------------------------------------------------------------------------


def _refused() -> UUID:
    contact = _contact()
    submit(contact, newsletter(is_ticked=True), needs_confirmation=False)
    decide("opt_out", token=_links(contact)["u"], at=later(hours=1))
    assert not permitted(contact)
    return contact


def _given(subject: UUID, method: str, hours: float) -> Event:
    before = LedgerEvent.objects.filter(subject_id=subject, event_state=State.CONSENT_GIVEN).first()
    assert before is not None
    return Event(
        subject_id=subject,
        purpose_code="newsletter",
        channel="email",
        basis=Basis.CONSENT,
        state=State.CONSENT_GIVEN,
        event_type="ExpressedConsent",
        event_at=later(hours=hours),
        received_at=later(hours=hours),
        method=method,
        source_id=uuid4(),
        language="fr",
        notice_id=before.notice_id,
        notice_sha256=bytes(before.notice_sha256 or b""),
    )


def test_after_a_no_a_form_that_says_yes_raises_nothing() -> None:
    contact = _refused()
    with transaction.atomic():
        append([_given(contact, "form", 2)])
    assert not permitted(contact)
    assert Suppression.objects.exists()


@pytest.mark.parametrize("method", ["import", "staff_on_behalf", "merge", "api"])
def test_nobody_else_can_even_say_yes_for_a_person(method: str) -> None:
    contact = _refused()
    append([_given(contact, method, 2)])
    assert not permitted(contact)


@pytest.mark.parametrize("method", ["import", "staff_on_behalf", "merge", "api"])
def test_the_database_refuses_a_permission_that_rests_on_anybody_else(method: str) -> None:
    contact = _refused()
    (row,) = LedgerEvent.objects.bulk_create(_rows([_given(contact, method, 2)]))
    with pytest.raises(DatabaseError, match="cannot be made by"), transaction.atomic():
        Permission.objects.filter(subject_id=contact).update(
            state=State.CONSENT_GIVEN, event_id=row.seq
        )


def test_the_database_refuses_a_permission_without_an_event_that_says_so() -> None:
    contact = _refused()
    with pytest.raises(DatabaseError, match="says something else"), transaction.atomic():
        Permission.objects.filter(subject_id=contact).update(state=State.CONSENT_GIVEN)


def test_after_a_no_the_form_asks_and_only_the_letter_brings_it_back() -> None:
    contact = _refused()
    states = submit(
        contact, newsletter(is_ticked=True), needs_confirmation=False, at=later(hours=2)
    )
    assert states[-1] == State.CONSENT_REQUESTED
    assert not permitted(contact)
    assert _why(contact) == "withdrawn"


def test_months_after_a_no_nothing_goes_out_by_itself_and_a_form_may_ask_again() -> None:
    contact = _refused()
    answer = services.explain(subject_id=contact, purpose_code="newsletter", channel="email")
    assert answer.ask_again_at is not None
    assert (answer.ask_again_at.year, answer.ask_again_at.month) == (2027, 5)
    much_later = later(days=365)
    services.apply_waiting_decisions(now=much_later)
    assert not permitted(contact)
    assert not LedgerEvent.objects.filter(received_at__gt=later(hours=1)).exists()


def test_a_confirmed_yes_to_one_purpose_leaves_the_no_to_the_others() -> None:
    notice_id()
    contact = _contact()
    decide("by_address", email=ALICE)
    token = _links(contact)["p"]
    services.publish_notice(code="preferences", texts={"fr": "Choix"}, is_substantive=True, now=NOW)
    decide("preferences", token=token, choices={"newsletter": "yes"}, at=later(hours=1))
    assert _why(contact) is None
    kept = set(
        Suppression.objects.filter(kind=TokenKind.EMAIL).values_list("purpose_code", flat=True)
    )
    assert kept == {"targeted_promotion", "phone_prospecting", "email_measurement"}
    by_number = Suppression.objects.filter(kind=TokenKind.PHONE)
    assert list(by_number.values_list("purpose_code", flat=True)) == ["phone_prospecting"]


def test_a_statement_of_sql_that_asks_with_no_mark_finds_nobody() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT consent_is_suppressed(2, ''::bytea, 'newsletter')")
        assert cursor.fetchone() == (False,)
