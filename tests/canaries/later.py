"""What happens with a person who came: a lead is answered, a sequence writes, mail comes back.

A mail service and a person who answers say addresses and words that nobody here chose.
"""

import base64
import json
from functools import partial
from uuid import UUID, uuid4

from django.db.models import QuerySet

from campaigns.automations.activating import activate
from campaigns.delivery.naming import message_id, return_path
from campaigns.models import Campaign, Delivery, Enrolment, Return, SequenceMail
from crm.models import Contact, Lead, LeadNote, WebhookCall
from crm.webhooks import endpoints
from crm.webhooks.publishing import KINDS
from tests.campaigns import cast
from tests.campaigns.automations.cast import step, write
from tests.campaigns.returns.door import Door
from tests.campaigns.returns.samples import sample
from tests.canaries.acting import FORM, contact_of, newest, press
from tests.canaries.people import BY_API, BY_PAGE, UNKNOWN, WRITTEN, Canary
from tests.canaries.theatre import RETURNS_TO, WEBHOOK_SECRET, Theatre, account
from tests.crm.webhooks.receiver import Receiver
from tests.journeys.stage import wait_for

# --- other systems -------------------------------------------------------------------------------


def others_are_told(theatre: Theatre) -> None:
    """Of everything that there is to be told, by ids alone."""
    kinds = sorted(KINDS.keys() - {endpoints.TEST})
    endpoints.create_endpoint(
        name="canaries", url=theatre.other.url, kinds=kinds, actor_id=uuid4(), now=cast.clock()
    )


def others_were_told(theatre: Theatre) -> None:
    """Keep what they were told among what is searched."""
    wait_for(lambda: not WebhookCall.objects.filter(state="waiting").exists(), "the calls")
    told = _told(theatre.other)
    assert {"lead.created", "lead.state_changed", "delivery.bounced"} <= told, told
    assert {"contact.opted_out", "campaign.finished", "sequence.finished"} <= told, told
    for headers, body in theatre.other.calls:
        theatre.seen += [*(f"{name}: {value}" for name, value in headers.items()), body.decode()]


def _told(other: Receiver) -> set[str]:
    return {str(json.loads(body)["type"]) for _headers, body in other.calls}


# --- leads ---------------------------------------------------------------------------------------


def following_a_lead(theatre: Theatre) -> None:
    """A note, an answer that is wrong, one that is looked at, one that is sent; and a reminder."""
    lead = Lead.objects.filter(form_code=FORM, contact_id=contact_of(BY_PAGE)).latest("id").id
    page, reply = f"/leads/{lead}/", f"/leads/{lead}/reply"
    words = f"{{{{ first_name }}}}, ask {WRITTEN.email} or {WRITTEN.phone}.\n{WRITTEN.message}"
    said = {"subject": f"{WRITTEN.family_name} of {WRITTEN.company}", "language": "en"}
    before = len(theatre.inbox.to(_wire(theatre, BY_PAGE)))
    with theatre.member("sales") as client:
        for note in (f"{WRITTEN.given_name} {WRITTEN.family_name}", "4111 1111 1111 1111"):
            press(client, page, f"{page}note", text=f"{WRITTEN.message} {note}")
        assert LeadNote.objects.filter(lead=lead).count() == 1
        said |= {"reference": str(uuid4())}
        wrong = f"{words} {{{{ {WRITTEN.given_name.lower()} }}}}"
        assert press(client, reply, reply, **said, text=wrong, do="send").status_code == 422
        looked = press(client, reply, reply, **said, text=words, do="look")
        assert looked.status_code == 200 and BY_PAGE.given_name in looked.text
        assert press(client, reply, reply, **said, text=words, do="send").status_code == 200
        mail = newest(theatre, BY_PAGE, before)
        assert mail["Subject"] == said["subject"]
        assert WRITTEN.phone in client.get(page).text
        assert press(client, page, f"{page}remind", when="3").status_code == 200
        for text in ("/leads/reminders", "/notifications/", f"/leads/?state=all&form={FORM}"):
            assert client.get(text).status_code == 200
        every = {"lead": str(lead), "act": "close"}
        assert press(client, "/leads/", "/leads/bulk", **every).status_code == 200
        assert press(client, page, f"{page}state", state="in_progress").status_code == 200


def _wire(theatre: Theatre, person: Canary) -> str:
    return str(
        next(who for who in theatre.inbox.recipients() if who.lower() == person.email.lower())
    )


def looking_at_a_mail_as_somebody(theatre: Theatre) -> None:
    contact = contact_of(BY_PAGE)
    campaign = cast.draft(subject="{{ first_name }}")
    page = f"/campaigns/{campaign}/edit"
    with theatre.member("marketing") as client:
        found = press(client, page, "/templates/persons", person=BY_PAGE.family_name)
        assert str(contact) in found.text
        assert press(client, page, "/templates/persons", person=UNKNOWN.email).status_code == 200
        seen = {"mjml": Campaign.objects.get(id=campaign).mjml, "subject": "{{ last_name }}"}
        shown = press(client, page, "/templates/preview", contact=str(contact), **seen)
        assert shown.status_code == 200
        named = f"{seen['mjml']}{{{{ {WRITTEN.family_name} }}}}"
        for path in ("/templates/preview", "/templates/findings"):
            assert press(client, page, path, mjml=named, subject=WRITTEN.email).status_code == 200


# --- sequences -----------------------------------------------------------------------------------


def a_sequence(theatre: Theatre) -> None:
    """Written to by steps, of which a colleague and other systems are told; and looked at."""
    contact = contact_of(BY_API)
    colleague = account("marketing").account
    steps = (
        step("s1", "tag", tag="canary"),
        step("s2", "send"),
        step("s3", "notify", account=str(colleague.id), address="colleague@example.org"),
        step("s4", "webhook", event="canary"),
    )
    sequence = write(*steps, name="Canaries")
    mails = SequenceMail.objects.filter(version__sequence=sequence).values("campaign")
    Campaign.objects.filter(id__in=mails).update(subject="{{ first_name }} {{ last_name }}")
    activate(sequence_id=sequence, actor_id=uuid4(), now=cast.clock())
    before = len(theatre.inbox.to(_wire(theatre, BY_API)))
    with theatre.member("marketing") as client:
        page = f"/contacts/{contact}/"
        begun = f"/sequences/contacts/{contact}/begin"
        assert press(client, page, begun, sequence=str(sequence)).status_code == 200
        assert BY_API.family_name in str(newest(theatre, BY_API, before)["Subject"])
        over = Enrolment.objects.filter(contact_id=contact, state="finished")
        wait_for(over.exists, "the end of the sequence")
        wait_for(lambda: theatre.inbox.to("colleague@example.org"), "the mail to a colleague")
        for path in (page, f"/sequences/{sequence}/", f"/sequences/{sequence}/people"):
            assert client.get(path).status_code == 200


# --- what comes back -----------------------------------------------------------------------------


def what_comes_back(theatre: Theatre) -> None:
    """By mail and by webhook; what is forged, broken or for nobody, too."""
    door = Door(theatre.returns_at, theatre.processes["returns"])
    wait_for(door.is_answering, "the door for what comes back")
    delivery = _delivery(BY_PAGE)
    for name in ("out_of_office_fr", "reply_fr", "postfix_mailbox_full", "gmail_delay_fr"):
        raw = _mail(name, delivery, BY_PAGE)
        assert door.hand(raw, return_path(delivery))[0] == 250, name
    for name in ("forged_return_path", "new_mail_from_a_person"):
        assert door.hand(_mail(name, delivery, WRITTEN), RETURNS_TO)[0] == 250, name
    broken = f"From: {WRITTEN.email}\nContent-Type: multipart/report; boundary={WRITTEN.email}\n"
    for raw in (broken.encode(), WRITTEN.message.encode(), b"\xff\0" + WRITTEN.email.encode()):
        assert door.hand(raw, RETURNS_TO)[0] == 250
    assert door.hand(b"x", WRITTEN.email)[0] == 550
    _refused_lines(door)
    _events(theatre, delivery)
    kinds = {"auto_reply", "reply", "soft_bounce", "delayed", "delivered", "unknown"}
    wait_for(lambda: kinds <= set(Return.objects.values_list("kind", flat=True)), f"{kinds}")
    _looked_at(theatre)


def _delivery(person: Canary) -> Delivery:
    return Delivery.objects.filter(contact_id=contact_of(person)).exclude(state=1).latest("id")


def _mail(name: str, delivery: Delivery, person: Canary) -> bytes:
    """A sample, with the words of a person where Alice's are."""
    raw = sample(name, return_path=return_path(delivery), message_id=message_id(delivery))
    assert b"alice" in raw.lower(), name
    for hers, theirs in (
        ("alice@example.org", person.email),
        ("Alice Durand", f"{person.given_name} {person.family_name}"),
        ("Alice", person.given_name),
    ):
        raw = raw.replace(hers.encode(), theirs.encode())
    return raw.replace(b"\r\n\r\n", f"\r\n\r\n{person.message}\r\n{person.phone}\r\n".encode(), 1)


def _refused_lines(door: Door) -> None:
    with door.connect() as client:
        for line in (f"VRFY {WRITTEN.email}", f"MAIL {WRITTEN.email}", WRITTEN.family_name):
            assert client.docmd(line.encode().decode("latin-1"))[0] >= 250
        client.ehlo(WRITTEN.email)
        assert client.mail(WRITTEN.email)[0] == 250
        assert client.rcpt(WRITTEN.email)[0] == 550


def _events(theatre: Theatre, delivery: Delivery) -> None:
    """A mail service tells of a delivery; somebody else tries to."""
    right = {"Authorization": f"Basic {base64.b64encode(WEBHOOK_SECRET.encode()).decode()}"}
    said = {
        "event": "delivered",
        "email": BY_PAGE.email,
        "message-id": message_id(delivery),
        "subject": BY_PAGE.family_name,
        "date": "2026-11-24 10:00:00",
        "ts_event": 1795514400,
        "reason": f"250 <{BY_PAGE.email}> {BY_PAGE.phone}",
    }
    strange = {**said, "event": WRITTEN.family_name, "ts_event": WRITTEN.email}
    with theatre.browser(theatre.public_url) as service:
        post = partial(service.post, "/returns/brevo")
        assert post(json=said, headers=right).status_code == 204
        assert post(json=strange, headers=right).status_code == 204
        assert post(json=said).status_code == 400
        assert post(content=f'{{"email": "{WRITTEN.email}"', headers=right).status_code == 400
        assert service.post("/returns/nobody", json=said, headers=right).status_code == 404


def _looked_at(theatre: Theatre) -> None:
    waiting = Return.objects.filter(is_kept=True, looked_at=None)
    with theatre.member("marketing") as client:
        assert client.get("/returns/").status_code == 200
        pages = [client.get(f"/returns/{number}/") for number in _ids(waiting)]
        assert any(WRITTEN.email in page.text for page in pages)
        number = _ids(waiting)[0]
        page = f"/returns/{number}/"
        assert press(client, page, f"{page}looked").status_code == 200
    assert Return.objects.get(id=number).looked_at is not None


def _ids(rows: QuerySet[Return]) -> list[UUID]:
    return list(rows.values_list("id", flat=True))


def a_bounce_for_good(theatre: Theatre) -> None:
    """After the campaign: nobody writes to them any more."""
    door = Door(theatre.returns_at, theatre.processes["returns"])
    delivery = _delivery(BY_PAGE)
    raw = _mail("postfix_unknown_user", delivery, BY_PAGE)
    assert door.hand(raw, return_path(delivery))[0] == 250
    gone = Contact.objects.filter(id=contact_of(BY_PAGE), unreachable_at__isnull=False)
    wait_for(gone.exists, "the bounce to have its effect")
