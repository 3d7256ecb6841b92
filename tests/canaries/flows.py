"""Everything that happens to a person's data, done with canaries on the real processes.

`FLOWS` is the list, in order; a new feature that touches people adds a function to it. Each one
proves that it did what it is for: a flow that quietly fails leaves nothing to be found.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx

from campaigns import services as campaigns
from campaigns.models import MeasuredMessage
from consent.services import Basis, NoticeKind, publish_notice
from crm.models import Contact, ContactMerge, ImportBatch, Lead
from crm.services import create_segment
from forms_intake.services import PurposeChoice
from tests.campaigns import cast
from tests.canaries import later
from tests.canaries.acting import FORM, contact_of, newest, press, token
from tests.canaries.people import (
    AT_SIGN_IN,
    BAD_ROW,
    BY_API,
    BY_FILE,
    BY_PAGE,
    IN_ERRORS,
    PASSWORD,
    TWIN,
    UNKNOWN,
    Canary,
)
from tests.canaries.theatre import Theatre, account, wait_for_line
from tests.forms_intake import cast as forms
from tests.forms_intake.page import filled
from tests.journeys import acts
from tests.journeys.stage import wait_for

MEASUREMENT = PurposeChoice(
    "email_measurement",
    "email",
    Basis.CONSENT,
    {"fr": "Vous pouvez voir si je lis.", "en": "You may see whether I read."},
)
PURPOSES = [forms.REPLY, forms.NEWSLETTER, forms.OFFERS, MEASUREMENT]
YES = ["newsletter:email", "email_measurement:email"]


def _form() -> dict[str, Any]:
    return forms.projected(code=FORM, now=cast.clock())


# --- visitors ------------------------------------------------------------------------------------


def the_form_page(theatre: Theatre) -> None:
    fields = [{"name": name, "is_required": name == "email"} for name in BY_PAGE.typed]
    forms.published(
        code=FORM, now=cast.clock(), fields=fields, purposes=PURPOSES, minimum_fill_seconds=0
    )
    with theatre.browser(theatre.public_url) as visitor:
        page = visitor.get(f"/f/{FORM}?lang=en").text
        wrong = filled(page, **{**BY_PAGE.typed, "phone": "12 " + BY_PAGE.email})
        assert visitor.post(f"/f/{FORM}", data=wrong).status_code == 422
        right = filled(page, **BY_PAGE.typed, consents=YES)
        assert visitor.post(f"/f/{FORM}", data=right).status_code == 200
        assert not visitor.cookies
    wait_for(lambda: Lead.objects.filter(form_code=FORM).exists(), "the lead of the page")


def the_api(theatre: Theatre) -> None:
    url = f"/api/v1/forms/{FORM}/submissions"
    good = forms.body(_form(), fields=BY_API.typed, consents=YES)
    bad = forms.body(_form(), fields={**BY_API.typed, "given_name": BY_API.given_name + "\0"})
    with theatre.browser(theatre.public_url) as site:
        for content, status in ((bad, 422), (good, 202), (good, 202)):
            number = str(uuid4())
            answer = site.post(url, json=content, headers={"Idempotency-Key": number})
            assert answer.status_code == status, answer.text
        broken = f'{{"fields": {{"email": "{BY_API.email}"'
        headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        assert site.post(url, content=broken, headers=headers).status_code == 400
    wait_for(lambda: Lead.objects.filter(form_code=FORM).count() >= 3, "the leads of the API")


def confirmation_and_preferences(theatre: Theatre) -> None:
    for person in (BY_PAGE, BY_API):
        letter = newest(theatre, person)
        contact = contact_of(person)
        with theatre.browser(theatre.public_url) as visitor:
            address = acts.link_in(letter, "c")
            assert visitor.get(address).status_code == 200
            assert visitor.post(address).status_code == 200
            wait_for(lambda who=contact: acts.is_permitted(who), "the yes")  # type: ignore[misc]
            page = visitor.get(acts.link_in(letter, "p"))
            assert page.status_code == 200
            ordered = visitor.post(f"{acts.link_in(letter, 'p')}/receipt?lang=en")
            receipt = urljoin(theatre.public_url, ordered.headers["Location"])
            wait_for(lambda at=receipt: "jsonld" in visitor.get(at).text, "the receipt")  # type: ignore[misc]
            file = re.search(r'href="([^"]+\.jsonld[^"]*)"', visitor.get(receipt).text)
            assert file is not None
            assert visitor.get(urljoin(receipt, file[1])).status_code == 200


def no_by_address(theatre: Theatre) -> None:
    with theatre.browser(theatre.public_url) as visitor:
        for typed, status in ((UNKNOWN.email, 200), (f"{UNKNOWN.email}@", 422)):
            assert visitor.post("/no", data={"email": typed}).status_code == status
    # Pages that do not exist, at addresses that hold a person: typed, and not given by us.
    for path in (f"/nowhere/{UNKNOWN.email}", f"/c/{UNKNOWN.email}", f"/f/x?q={UNKNOWN.phone}"):
        assert httpx.get(theatre.public_url + path, timeout=30).status_code == 404


# --- staff ---------------------------------------------------------------------------------------


def signing_in(theatre: Theatre) -> None:
    """Somebody types their address, and then the password, into the field of the username."""
    with theatre.browser(theatre.staff_url, follow_redirects=True) as client:
        for typed in (AT_SIGN_IN.email, PASSWORD):
            acts.submit(client, "/sign-in", username=typed)
            answer = acts.submit(client, "/sign-in/password", password=PASSWORD)
            assert answer.status_code == 200
        assert client.post("/sign-in/password", data={"password": PASSWORD}).status_code == 403
        # Whoever leaves it there leaves it in the session.
        acts.submit(client, "/sign-in", username=AT_SIGN_IN.email)
    with theatre.browser(theatre.staff_url, follow_redirects=True) as client:
        who = account("marketing")
        acts.submit(client, "/sign-in", username=who.account.username)
        for _time in range(6):
            answer = acts.submit(client, "/sign-in/password", password=f"{PASSWORD}?")
            if answer.status_code == 429:
                break
        assert answer.status_code == 429


def searching_and_looking(theatre: Theatre) -> None:
    contact = contact_of(BY_PAGE)
    lead = Lead.objects.filter(contact_id=contact).latest("received_at").id
    with theatre.member("marketing") as client:
        for person in (BY_PAGE, UNKNOWN):
            answer = press(client, "/contacts/", "/contacts/find", words=person.email)
            assert answer.status_code == 200
            assert (str(contact) in str(answer.url)) == (person is BY_PAGE)
        for words in (BY_PAGE.family_name, BY_PAGE.company[:-2], UNKNOWN.family_name):
            assert press(client, "/contacts/", "/contacts/find", words=words).status_code == 200
        page = client.get(f"/contacts/{contact}/").text
        assert BY_PAGE.message.split("\n")[0] in page
        assert BY_PAGE.family_name in client.get("/leads/").text
        for path in (f"/leads/{lead}/state", f"/leads/{lead}/assign"):
            assert press(client, "/leads/", path, state="in_progress").status_code in {200, 400}
        cookies = dict(client.cookies)
    for path in (f"/contacts/{UNKNOWN.email}/", f"/nowhere/{UNKNOWN.family_name}"):
        answer = httpx.get(theatre.staff_url + path, cookies=cookies, timeout=30)
        assert answer.status_code == 404


def calling(theatre: Theatre) -> None:
    contact = contact_of(BY_PAGE)
    with theatre.member("sales") as client:
        assert client.get("/calls/?segment=all").status_code == 200
        source = str(uuid4())
        path = f"/calls/{contact}/no"
        said = press(client, "/contacts/", path, source=source, segment="all")
        assert said.status_code == 200


def asking_about_an_address(theatre: Theatre) -> None:
    with theatre.member("dpo") as client:
        for typed in (BY_PAGE.phone, UNKNOWN.email, BY_PAGE.family_name):
            answer = acts.submit(client, "/officer/address", address=typed)
            assert answer.status_code == 200 and typed[-4:] in answer.text
        contact = contact_of(BY_API)
        proof = client.get(f"/contacts/{contact}/proof/newsletter/email")
        assert proof.headers["content-type"] == "application/zip"
        for path in ("permissions", "records"):
            assert client.get(f"/api/v1/contacts/{contact}/{path}").status_code == 200


def importing(theatre: Theatre) -> None:
    publish_notice(
        code="imported",
        texts={"fr": "Avis de l’article 14", "en": "Notice of article 14"},
        is_substantive=True,
        kind=NoticeKind.INDIRECT,
        now=cast.clock(),
    )
    rows = [_row(BY_FILE), _row(BAD_ROW, email="no-" + BAD_ROW.phone), _row(TWIN)]
    rows.append(_row(BAD_ROW, phone=BAD_ROW.family_name))
    content = "\n".join(["email;prenom;nom;societe;fonction;telephone", *rows]).encode()
    with theatre.member("marketing") as client:
        answer = client.post(
            "/imports/new",
            data={
                "csrfmiddlewaretoken": token(client, "/imports/new"),
                "source": "Salon des maires 2026",
                "purpose": "targeted_promotion",
                "notice": "imported:1",
            },
            files={"file": (f"{BAD_ROW.family_name}.csv", content, "text/csv")},
            headers={"Origin": theatre.staff_url},
        )
        assert answer.status_code == 200, answer.text
        batch = ImportBatch.objects.latest("created_at").id
        page = f"/imports/{batch}/"
        wait_for(lambda: f"{page}run" in client.get(page).text, "the file to be counted")
        assert press(client, page, f"{page}run").status_code == 200
        wait_for(lambda: ImportBatch.objects.get(id=batch).finished_at, "the import")
        assert client.get(f"{page}refusals").text.count("\r\n") == 3
    contact_of(BY_FILE)


def _row(person: Canary, **changed: str) -> str:
    typed = {**person.typed, **changed}
    names = ("email", "given_name", "family_name", "company", "job_title", "phone")
    return ";".join(typed[name] for name in names)


def merging(theatre: Theatre) -> None:
    kept, absorbed = contact_of(BY_FILE), contact_of(TWIN)
    with theatre.member("marketing") as client:
        path = f"/contacts/{kept}/merge"
        assert acts.submit(client, path, email=UNKNOWN.email).status_code == 422
        assert acts.submit(client, path, email=TWIN.email).status_code == 200
        assert acts.submit(client, path, absorbed=str(absorbed)).status_code == 200
    wait_for(lambda: not Contact.objects.filter(id=absorbed).exists(), "the merge")
    assert ContactMerge.objects.exists()


# --- mail ----------------------------------------------------------------------------------------

_MJML = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Dear {{ first_name }} {{ last_name }} of "
    '{{ company }}, <a href="https://www.example.com/">read</a>. '
    '<a href="{{ preferences_url }}">Choose</a> <a href="{{ unsubscribe_url }}">Stop</a>'
    "</mj-text></mj-column></mj-section></mj-body></mjml>"
)


def campaigning(theatre: Theatre) -> None:
    """A mail with merge fields to who agreed, one of them refused by a relay that quotes."""
    theatre.inbox.answer = lambda who: f"250 2.0.0 <{who}> queued as {who}"
    segment = create_segment(
        name="Canaries",
        rules={"match": "all", "rules": [{"fact": "form", "is": "one_of", "value": [FORM]}]},
        now=cast.clock(),
    )
    with theatre.member("marketing") as client:
        assert "2" in client.get(f"/campaigns/audience?purpose=newsletter&segment={segment}").text
        campaign = cast.draft(subject="{{ first_name }}, news", segment_id=segment, mjml=None)
        page = f"/campaigns/{campaign}/"
        assert client.get(page).status_code == 200
        tested = press(client, page, f"{page}test", to=UNKNOWN.email)
        assert "The relay has taken the test mail." in tested.text
        theatre.inbox.answer = lambda who: f"550 5.1.1 <{who}>: no such person {who}"
        assert press(client, page, f"{page}test", to=UNKNOWN.email).status_code == 422
        theatre.inbox.answer = _refuse_one
        campaigns.launch(campaign_id=campaign, actor_id=cast.people_actor(), now=cast.clock())
        acts.wait_until_finished(campaign)
        proof = client.get(f"/campaigns/{campaign}/proof/{contact_of(BY_PAGE)}")
        assert client.get(page).status_code == 200 and proof.status_code in {200, 403}
    counts = campaigns.progress(campaign_id=campaign).counts
    assert (counts["sent"], counts["bounced"]) == (1, 1), counts


def _refuse_one(who: str) -> str:
    if who.lower() == BY_API.email.lower():
        return f"550 5.1.1 <{who}>: user {who} unknown"
    return f"250 2.0.0 <{who}> queued as {who}"


def measuring_and_opting_out(theatre: Theatre) -> None:
    mail = newest(theatre, BY_PAGE, 1)
    assert BY_PAGE.given_name in str(mail["Subject"])
    html = mail.get_body(("html",)).get_content()
    (picture,) = re.findall(r'<img src="([^"]+)"', html)
    link = re.findall(r'href="(http[^"]+/l/[^"]+)"', html)[0]
    contact = contact_of(BY_PAGE)
    with theatre.browser(theatre.public_url) as visitor:
        for address in (picture, link):
            assert visitor.get(address).status_code in {200, 302}
        wait_for(MeasuredMessage.objects.filter(contact_id=contact).exists, "the measure")
        stop = acts.link_in(mail, "u")
        assert visitor.get(stop).status_code == 200
        assert visitor.post(stop).status_code == 200
    wait_for(lambda: not acts.is_permitted(contact), "the no")
    theatre.inbox.answer = lambda _who: "250 2.0.0 kept"


# --- what goes wrong ---------------------------------------------------------------------------


def pages_that_fail(theatre: Theatre) -> None:
    for url in (theatre.public_url, theatre.staff_url):
        for kind in ("crash", "row", "cast", "speak", "thread", "forbidden", "bad", "suspicious",
                     "missing"):  # fmt: skip
            for value in (IN_ERRORS.email, IN_ERRORS.family_name):
                answer = httpx.post(f"{url}/fault/{kind}", data={"value": value}, timeout=30)
                is_calm = kind in {"speak", "thread"}
                assert answer.status_code == 200 if is_calm else answer.status_code >= 400, kind
                assert value not in answer.text, (url, kind)
    for name in ("public", "staff"):
        for words in ("RuntimeError", "DataError", "IntegrityError", "some.library met %s"):
            assert words in theatre.log(name), (name, words)


def requests_that_are_none(theatre: Theatre) -> None:
    value = IN_ERRORS.email
    for url in (theatre.public_url, theatre.staff_url):
        for content, kind in (
            (f"email={value}&" + "x" * 3_000_000, "application/x-www-form-urlencoded"),
            ("&".join(f"{value}{n}=1" for n in range(300)), "application/x-www-form-urlencoded"),
            (f"--{value}\r\n", f"multipart/form-data; boundary={value}"),
            (value, f"multipart/form-data; boundary={'b' * 400}{value}"),
        ):
            for path in (f"/f/{FORM}", "/sign-in", "/no", f"/fault/{IN_ERRORS.family_name}"):
                headers = {"Content-Type": kind, "Origin": f"https://{value.replace('@', '.')}"}
                answer = httpx.post(url + path, content=content, headers=headers, timeout=30)
                assert value not in answer.text or answer.status_code == 422
        for raw in (f"GET /{value} HTTP/9.9", f"{value} / HTTP/1.1", f"GET / HTTP/1.1\r\n{value}",
                    f"GET / HTTP/1.1\r\nHost: {value}", f"GET /{value}" + "x" * 9000,
                    f"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {value}"):  # fmt: skip
            said = _raw(url, f"{raw}\r\n\r\n".encode())
            assert b"HTTP/1.1 " in said and value.encode() not in said, raw


def _raw(url: str, content: bytes) -> bytes:
    import socket

    host, _sep, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(content)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


def a_worker_that_fails(theatre: Theatre) -> None:
    contact = str(contact_of(BY_PAGE))
    for _time in range(2):
        theatre.send("canaries.crash", contact)
    wait_for_line(theatre, "worker", "canaries.crash: RuntimeError")
    theatre.send("canaries.die", contact, str(theatre.home / "died"))
    wait_for_line(theatre, "worker", "WorkerLostError")


def a_task_that_nobody_knows(theatre: Theatre) -> None:
    """What a later version might put into a message."""
    theatre.send("canaries.nobody_knows", IN_ERRORS.email, x=IN_ERRORS.phone)
    wait_for_line(theatre, "worker", "celery.worker.consumer.consumer")


def databases_that_are_away(theatre: Theatre) -> None:
    with theatre.member("marketing") as client, theatre.away("vault"):
        assert client.get("/contacts/").status_code == 503
        assert _api(theatre, IN_ERRORS).status_code == 202
        wait_for_line(theatre, "worker", "OperationalError")
    with theatre.away("intake"):
        assert _api(theatre, IN_ERRORS).status_code == 503
        with theatre.browser(theatre.public_url) as visitor:
            answer = visitor.post("/no", data={"email": IN_ERRORS.email})
            assert answer.status_code == 503
    contact_of(IN_ERRORS)


def _api(theatre: Theatre, person: Canary) -> httpx.Response:
    document = _document()
    return httpx.post(
        f"{theatre.public_url}/api/v1/forms/{FORM}/submissions",
        json=forms.body(document, fields=person.typed),
        headers={"Idempotency-Key": str(uuid4())},
        timeout=30,
    )


def _document() -> dict[str, Any]:
    """What the public side shows, asked while it could."""
    if not _KNOWN:
        _KNOWN.update(_form())
    return _KNOWN


_KNOWN: dict[str, Any] = {}


def a_worker_that_is_killed(theatre: Theatre) -> None:
    assert _api(theatre, IN_ERRORS).status_code == 202
    theatre.kill("worker")
    theatre.start("worker")


def commands(theatre: Theatre) -> None:
    theatre.manage("ledger", "seal")
    for line in ("ledger verify", "account list", "keys status"):
        theatre.manage(*line.split())
    failed = theatre.manage("account", "close", AT_SIGN_IN.given_name)
    assert failed.returncode != 0


FLOWS: list[Callable[[Theatre], None]] = [
    later.others_are_told,
    the_form_page,
    the_api,
    confirmation_and_preferences,
    no_by_address,
    signing_in,
    searching_and_looking,
    later.following_a_lead,
    later.looking_at_a_mail_as_somebody,
    calling,
    asking_about_an_address,
    importing,
    merging,
    later.a_sequence,
    later.what_comes_back,
    campaigning,
    measuring_and_opting_out,
    later.a_bounce_for_good,
    later.others_were_told,
    pages_that_fail,
    requests_that_are_none,
    a_worker_that_fails,
    databases_that_are_away,
    a_worker_that_is_killed,
    commands,
]
