"""Mail scanners open every link of every message, and open them again: nothing may come of it."""

import hashlib
import re
from email.message import EmailMessage
from html import unescape
from uuid import uuid4

import httpx
from django.db import connections
from django.db.models import QuerySet

from privacy.models import Envelope
from tests.journeys import acts
from tests.journeys.stage import Stage, wait_for

TIMES = 5
# Whatever a visit could have changed, in the order of their keys.
_TABLES = (
    "consent_ledgerevent",
    "consent_permission",
    "consent_suppression",
    "consent_mailingpreference",
    "consent_confirmationrequest",
    "consent_letterrequest",
    "consent_applieddecision",
)


def _digest() -> str:
    """One hash over every row of those tables."""
    found = hashlib.sha256()
    with connections["default"].cursor() as cursor:
        for table in _TABLES:
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), ''))"
                f" FROM {table} t"
            )
            found.update(str(cursor.fetchone()[0]).encode())
    return found.hexdigest()


def _links(message: EmailMessage) -> set[str]:
    """Every address in the parts and in the headers of a mail."""
    texts = [str(value) for value in message.values()]
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        texts.append(unescape(body.get_content()))
    return {url for text in texts for url in re.findall(r"https?://[^\s<>\"']+", text)}


def _waiting() -> QuerySet[Envelope]:
    """What a page has dropped and nobody has taken yet, or put aside."""
    return Envelope.objects.filter(kind="decision", quarantined_at__isnull=True)


def _scan(stage: Stage, message: EmailMessage, *pages: str) -> None:
    ours = {url for url in _links(message) if url.startswith(stage.public_url)}
    assert {url.split("/")[3] for url in ours} >= set(pages)
    before = _digest()
    with httpx.Client(follow_redirects=True, timeout=30) as scanner:
        for url in sorted(ours):
            for _time in range(TIMES):
                assert scanner.get(url).status_code == 200
                assert scanner.head(url).status_code == 200
        assert not scanner.cookies
    # What a page had dropped would be an envelope now, or a row by the time there is none.
    wait_for(lambda: not _waiting().exists(), "quiet")
    assert _digest() == before


def test_following_every_link_of_every_mail_changes_nothing(stage: Stage) -> None:
    form = acts.publish_form()
    email = f"scanned-{uuid4().hex[:8]}@example.org"
    acts.post_lead(stage, form, email, consents=["newsletter:email"])
    confirmation = acts.letter_to(stage, email)
    _scan(stage, confirmation, "c", "p")
    (person,) = acts.find(email)
    assert not acts.is_permitted(person)

    acts.confirm(stage, email)
    acts.wait_until_finished(acts.launch(form))
    newsletter = wait_for(lambda: stage.inbox.to(email)[1:], "the newsletter")[0]
    _scan(stage, newsletter, "u", "p")
    assert acts.is_permitted(person)

    assert httpx.post(f"{stage.public_url}/no", data={"email": email}).status_code == 200
    wait_for(lambda: not acts.is_permitted(person), "the no by address")
    letter = wait_for(lambda: stage.inbox.to(email)[2:], "the letter that tells of it")[0]
    _scan(stage, letter, "undo", "p")
    assert not acts.is_permitted(person)

    assert httpx.post(acts.link_in(letter, "undo")).status_code == 200
    wait_for(lambda: acts.is_permitted(person), "the no to be undone")
