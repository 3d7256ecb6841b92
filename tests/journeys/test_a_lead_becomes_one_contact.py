"""A website form posts a lead: it is sealed, opened behind the wall, and kept as one contact."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from consent.models import LedgerEvent
from consent.services import Explanation, explain
from crm.models import Contact
from crm.services import profiles
from privacy.models import Blob, Envelope
from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for


def test_a_lead_is_kept_with_its_purpose_its_basis_and_its_notice(stage: Stage) -> None:
    form = acts.publish_form()
    email = f"{uuid4().hex}@example.org"
    answer = acts.post_lead(
        stage, form, email, fields={"given_name": "Ada"}, consents=["newsletter:email"]
    )
    assert answer.status_code == 202
    (lead,) = acts.wait_for_leads(form, 1)
    person = profiles(contact_ids=[lead.contact_id])[lead.contact_id]
    assert (person.email, person.given_name) == (email, "Ada")
    offers: Explanation = explain(
        subject_id=lead.contact_id, purpose_code="targeted_promotion", channel="email"
    )
    assert (offers.is_permitted, offers.reason_code) == (True, "permitted_interest")
    assert offers.form_code == form["code"]
    shown = LedgerEvent.objects.filter(subject_id=lead.contact_id)
    notice = bytes.fromhex(form["notices"]["en"]["sha256"])
    assert {bytes(event.notice_sha256 or b"") for event in shown} == {notice}
    blob = bytes(Blob.objects.get(subject_id=lead.contact_id, retention_class=1).body)
    assert email.encode() not in blob
    wait_for(lambda: not Envelope.objects.filter(kind="submission").exists(), "an empty intake")


def test_sixteen_posts_of_one_address_at_once_are_one_contact(stage: Stage) -> None:
    form = acts.publish_form()
    email = f"{uuid4().hex}@example.org"
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: acts.post_lead(stage, form, email), range(16)))
    assert {answer.status_code for answer in answers} == {202}
    leads = acts.wait_for_leads(form, 16)
    assert {lead.contact_id for lead in leads} == set(acts.find(email))
    assert Contact.objects.filter(id__in=acts.find(email)).count() == 1


def test_the_same_submission_twice_is_one_lead(stage: Stage) -> None:
    form = acts.publish_form()
    email, key = f"{uuid4().hex}@example.org", uuid4()
    for _ in range(3):
        assert acts.post_lead(stage, form, email, key=key).status_code == 202
    other = f"{uuid4().hex}@example.org"
    assert acts.post_lead(stage, form, other).status_code == 202
    leads = acts.wait_for_leads(form, 2)
    assert len(leads) == 2


def test_a_known_and_an_unknown_address_get_the_same_answer(stage: Stage) -> None:
    form = acts.publish_form()
    known, unknown = (f"{uuid4().hex}@example.org" for _ in range(2))
    acts.post_lead(stage, form, known)
    acts.wait_for_leads(form, 1)
    first, second = (acts.post_lead(stage, form, email) for email in (known, unknown))
    assert first.status_code == second.status_code == 202

    def shape(text: str) -> str:
        return text.replace(known, "").replace(unknown, "")

    assert len(shape(first.text)) == len(shape(second.text))
    assert first.headers.keys() == second.headers.keys()


def test_a_stale_notice_is_refused_and_nothing_is_kept(stage: Stage) -> None:
    form = acts.publish_form()
    stale = {**form["notices"]["en"], "sha256": "00" * 32}
    notice = {part: stale[part] for part in ("id", "version", "language", "sha256")}
    answer = acts.post_lead(stage, form, f"{uuid4().hex}@example.org", notice=notice)
    assert answer.status_code == 409
    acts.post_lead(stage, form, f"{uuid4().hex}@example.org")
    assert len(acts.wait_for_leads(form, 1)) == 1
