"""Two contacts become one: what is joined, what is kept, and what may fail on the way."""

from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connections, transaction

from consent import merging as consent_merging
from consent.models import SubjectCard
from consent.services import merge_subjects, opt_out_links
from crm import merging, services
from crm.contacts import tag_contact
from crm.models import Contact, ContactCampaign, ContactMerge, ContactTag, Lead, TimelineEntry
from crm.people import OTHERS, Person
from crm.reception import JustMerged, receive_lead
from crm.services import NotMergeable, Profile, profiles
from privacy.services import RetentionClass, find_by_email, join_subjects, read_documents
from tests.conftest import NOW, Connect
from tests.consent.people import decide, later, newsletter, permitted, submit
from tests.crm.pages.arrivals import arrive

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
ACTOR = UUID(int=7)
ALICE, ALIX = "alice@example.org", "alix@example.org"


@pytest.fixture
def both() -> tuple[UUID, UUID]:
    return arrive("Alice", message="First"), arrive("Alix", message="Second", at=later(days=1))


def order(kept: UUID, absorbed: UUID) -> None:
    services.merge_contacts(kept_id=kept, absorbed_id=absorbed, actor_id=ACTOR, now=later(days=2))


def merge(kept: UUID, absorbed: UUID) -> None:
    order(kept, absorbed)
    assert services.settle_merges(now=later(days=2)) == 1


def profile(contact: UUID) -> Profile:
    return profiles(contact_ids=[contact])[contact]


def document(contact: UUID) -> dict[str, object]:
    return read_documents(subject_ids=[contact], retention_class=RetentionClass.PROFILE)[contact]


def test_everything_of_both_is_under_the_kept_one(both: tuple[UUID, UUID]) -> None:
    kept, absorbed = both
    campaign = uuid4()
    for contact, title in ((kept, "vip"), (absorbed, "vip"), (absorbed, "fair")):
        tag_contact(contact_id=contact, title=title, actor_id=ACTOR, now=NOW)
    services.record_sent(campaign_id=campaign, contact_ids=[kept, absorbed], at=NOW)
    entries = TimelineEntry.objects.count()
    merge(kept, absorbed)
    assert set(Contact.objects.values_list("id", flat=True)) == {kept}
    assert Lead.objects.filter(contact=kept).count() == 2
    assert set(ContactTag.objects.values_list("contact", "tag")) == {(kept, "vip"), (kept, "fair")}
    assert list(ContactCampaign.objects.values_list("contact", flat=True)) == [kept]
    assert TimelineEntry.objects.filter(contact=kept).count() == entries + 1
    held = document(kept)
    assert [one["text"] for one in held["messages"]] == ["First", "Second"]  # type: ignore[attr-defined]
    assert (held["email"], held["given_name"], held[OTHERS]) == (ALICE, "Alice", [ALIX])
    assert not read_documents(subject_ids=[absorbed], retention_class=RetentionClass.PROFILE)


def test_the_later_message_of_both_is_the_kept_ones(both: tuple[UUID, UUID]) -> None:
    kept, absorbed = both
    first, second = uuid4(), uuid4()
    record = services.record_sent
    record(campaign_id=first, contact_ids=[kept], at=NOW)
    record(campaign_id=first, contact_ids=[absorbed], at=later(days=1))
    record(campaign_id=second, contact_ids=[kept], at=later(days=1))
    record(campaign_id=second, contact_ids=[absorbed], at=NOW)
    merge(kept, absorbed)
    sent = set(ContactCampaign.objects.values_list("contact", "sent_at"))
    assert sent == {(kept, later(days=1))}
    assert ContactCampaign.objects.count() == 2


def test_gaps_are_filled_and_what_restricts_either_restricts_both() -> None:
    kept, absorbed = arrive("Alice"), arrive("Alix")
    Contact.objects.filter(id=kept).update(country="", has_phone=False)
    Contact.objects.filter(id=absorbed).update(restricted_at=NOW, last_act_at=later(days=1))
    merge(kept, absorbed)
    row = Contact.objects.get()
    assert (row.country, row.has_phone) == ("FR", True)
    assert (row.restricted_at, row.last_act_at) == (NOW, later(days=1))


def test_both_addresses_lead_to_the_kept_one(both: tuple[UUID, UUID]) -> None:
    kept, absorbed = both
    merge(kept, absorbed)
    assert find_by_email(emails=[ALICE, ALIX]) == {ALICE: kept, ALIX: kept}
    assert arrive("Alix", message="Third", at=later(days=3)) == kept
    assert profile(kept).email == ALICE
    assert services.absorbed_ids(contact_id=kept) == [absorbed]


def test_a_no_of_either_holds_and_a_yes_of_the_absorbed_one_is_not_carried(
    both: tuple[UUID, UUID],
) -> None:
    kept, absorbed = both
    submit(absorbed, newsletter(is_ticked=True), email=ALIX, needs_confirmation=False)
    merge(kept, absorbed)
    assert not permitted(kept) and not permitted(absorbed)


def test_old_links_of_the_absorbed_one_still_say_no(both: tuple[UUID, UUID]) -> None:
    kept, absorbed = both
    for contact, email in ((kept, ALICE), (absorbed, ALIX)):
        submit(contact, newsletter(is_ticked=True), email=email, needs_confirmation=False)
    links = opt_out_links(
        subjects={absorbed: ALIX, kept: ALICE}, purpose_code="newsletter", now=NOW
    )
    merge(kept, absorbed)
    assert permitted(kept)
    token = links[absorbed].one_click_url.rsplit("/", 1)[1]
    decide("opt_out", token=token, at=later(days=3))
    assert not permitted(kept)
    assert SubjectCard.objects.filter(subject_id=kept).count() == 2


def test_a_no_that_is_said_while_the_merge_is_carried_out_is_the_kept_ones(
    both: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, absorbed = both
    for contact, email in ((kept, ALICE), (absorbed, ALIX)):
        submit(contact, newsletter(is_ticked=True), email=email, needs_confirmation=False)
    links = opt_out_links(subjects={absorbed: ALIX}, purpose_code="newsletter", now=NOW)
    token = links[absorbed].one_click_url.rsplit("/", 1)[1]

    def say_no() -> None:
        decide("opt_out", token=token, at=later(days=2))
        for name in ("default", "vault", "intake"):
            connections[name].close()

    speaker = Thread(target=say_no)
    before = consent_merging._decide

    def meanwhile(*parts: Any) -> Any:
        decided = before(*parts)
        speaker.start()
        while speaker.is_alive() and not _is_anybody_waiting():
            speaker.join(0.02)
        return decided

    monkeypatch.setattr(consent_merging, "_decide", meanwhile)
    merge(kept, absorbed)
    speaker.join()
    assert not permitted(kept)


def _is_anybody_waiting() -> bool:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_a_vault_that_is_away_is_caught_up_with(
    both: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, absorbed = both

    def away(**_which: UUID) -> int:
        raise OperationalError

    monkeypatch.setattr(merging, "join_subjects", away)
    order(kept, absorbed)
    with pytest.raises(OperationalError):
        services.settle_merges(now=later(days=2))
    assert set(Contact.objects.values_list("id", flat=True)) == {kept}
    assert arrive("Alix", at=later(days=3)) == kept
    submit(kept, newsletter(is_ticked=True), needs_confirmation=False)
    assert permitted(kept)
    decide("by_address", email=ALIX, at=later(days=3))
    assert not permitted(kept)
    monkeypatch.setattr(merging, "join_subjects", join_subjects)
    services.settle_merges(now=later(days=3))
    assert find_by_email(emails=[ALIX]) == {ALIX: kept}


def test_a_crash_on_the_way_leaves_both_and_the_sweep_comes_back(
    both: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, absorbed = both

    def dies(**_what: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(merging, "merge_subjects", dies)
    order(kept, absorbed)
    with pytest.raises(KeyboardInterrupt):
        services.settle_merges(now=later(days=2))
    assert Contact.objects.count() == 2 and profile(absorbed).email == ALIX
    monkeypatch.setattr(merging, "merge_subjects", merge_subjects)
    assert services.settle_merges(now=later(days=2)) == 1
    assert services.settle_merges(now=later(days=2)) == 0
    assert Contact.objects.count() == 1


def test_a_lead_that_comes_while_its_contact_is_merged_is_tried_again(
    both: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, absorbed = both
    merge(kept, absorbed)
    from crm import reception

    answers = iter([{}, {absorbed: kept}])
    monkeypatch.setattr(reception, "kept_ids", lambda _ids: next(answers))
    with pytest.raises(JustMerged), transaction.atomic():
        receive_lead(
            lead_id=uuid4(),
            person=Person(email=ALIX),
            message="",
            language="fr",
            form_code="contact",
            form_version=1,
            source="site",
            received_at=later(days=3),
            now=later(days=3),
        )
    assert Contact.objects.count() == 1


def test_what_cannot_be_merged_is_refused(both: tuple[UUID, UUID]) -> None:
    kept, absorbed = both
    third = arrive("Third")
    for one, other, why in ((kept, kept, "same"), (kept, uuid4(), "unknown")):
        with pytest.raises(NotMergeable, match=why):
            order(one, other)
    order(kept, absorbed)
    order(kept, absorbed)
    with pytest.raises(NotMergeable, match="merged"):
        order(absorbed, third)
    assert ContactMerge.objects.count() == 1


def test_merges_of_merges_lead_to_the_last_one(both: tuple[UUID, UUID]) -> None:
    kept, absorbed = both
    third = arrive("Third")
    merge(kept, absorbed)
    merge(third, kept)
    assert merging.kept_ids([absorbed, kept]) == {absorbed: third, kept: third}
    assert services.absorbed_ids(contact_id=third) == sorted([absorbed, kept])
    assert document(third)[OTHERS] == [ALICE, ALIX]
    assert find_by_email(emails=[ALIX]) == {ALIX: third}


def test_the_worker_may_move_a_timeline_and_staff_may_not(connect: Connect) -> None:
    statement = "UPDATE crm_timelineentry SET contact_id = contact_id WHERE false"
    with connect("worker", "crm") as connection:
        connection.execute(statement)
    with connect("staff", "crm") as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute(statement)
