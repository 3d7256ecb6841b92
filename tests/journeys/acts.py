"""What people do in the journeys: visitors over the public side, staff over theirs."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import httpx
from django.db import connections

from campaigns import services as campaigns
from campaigns.models import Delivery, DeliveryState
from consent.services import permits
from crm.accounts.register import NewAccount, create_account
from crm.models import Lead
from crm.services import create_segment
from privacy.services import find_by_email
from tests.campaigns import cast
from tests.crm.staff import PASSWORD, code_now
from tests.forms_intake import cast as forms
from tests.journeys.stage import Stage, wait_for

_LINK = re.compile(r"https?://[^\s<>]+/(?P<page>[cpu]|undo)/[A-Za-z0-9_-]+")


# --- visitors ----------------------------------------------------------------------------------


def publish_form(**changes: Any) -> dict[str, Any]:
    """A form of this journey alone; returns what the public side knows of it."""
    code = f"form-{uuid4().hex[:12]}"
    return forms.published(code=code, now=cast.clock(), **changes)


def post_lead(
    stage: Stage, form: dict[str, Any], email: str, *, key: UUID | None = None, **body: Any
) -> httpx.Response:
    """Post a lead to the API; each call comes from a network of its own."""
    number = uuid4().int
    network = f"10.{number % 250}.{number // 250 % 250}.{number // 62500 % 250}"
    fields = {"email": email, "family_name": "Martin", **body.pop("fields", {})}
    return httpx.post(
        f"{stage.public_url}/api/v1/forms/{form['code']}/submissions",
        json=forms.body(form, fields=fields, **body),
        headers={"Idempotency-Key": str(key or uuid4()), "X-Forwarded-For": network},
        timeout=30,
    )


def arrivals(form: dict[str, Any]) -> list[Lead]:
    return list(Lead.objects.filter(form_code=form["code"]).order_by("received_at"))


def wait_for_leads(form: dict[str, Any], number: int) -> list[Lead]:
    wait_for(lambda: len(arrivals(form)) >= number, f"{number} leads")
    return arrivals(form)


def link_in(message: EmailMessage, page: str) -> str:
    """The first link to /c/, /p/, /u/ or /undo/ in the plain text of a mail."""
    body = message.get_body(("plain",))
    assert body is not None
    for match in _LINK.finditer(body.get_content()):
        if match["page"] == page:
            return match[0]
    raise AssertionError(f"No /{page}/ link in the mail.")


def one_click(message: EmailMessage) -> httpx.Response:
    """What a mail program does when its own unsubscribe button is pressed (RFC 8058)."""
    header = str(message["List-Unsubscribe"])
    url = header.split("<")[1].split(">")[0]
    return httpx.post(url, data={"List-Unsubscribe": "One-Click"}, timeout=30)


def letter_to(stage: Stage, email: str) -> EmailMessage:
    return wait_for(lambda: stage.inbox.to(email), f"a letter to {email}")[0]


def confirm(stage: Stage, email: str) -> None:
    """Open the letter, follow its link, press the button."""
    url = link_in(letter_to(stage, email), "c")
    assert httpx.get(url, timeout=30).status_code == 200
    assert httpx.post(url, timeout=30).status_code == 200
    (subject,) = find_by_email(emails=[email]).values()
    wait_for(lambda: is_permitted(subject), "the confirmation to take effect")


def find(email: str) -> list[UUID]:
    """The contacts of an address: one, or none yet."""
    return list(find_by_email(emails=[email]).values())


def is_permitted(subject: UUID) -> bool:
    return bool(permits(subject_ids=[subject], purpose_code="newsletter", channel="email"))


def subscribe(stage: Stage, form: dict[str, Any], emails: list[str]) -> None:
    """Ask for the newsletter on the form, and confirm, side by side."""

    def one(email: str) -> None:
        assert post_lead(stage, form, email, consents=["newsletter:email"]).status_code == 202
        confirm(stage, email)
        connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, emails))


# --- marketing ---------------------------------------------------------------------------------


def audience_of(form: dict[str, Any]) -> UUID:
    """A segment of the people who came by this form."""
    rules = {
        "match": "all",
        "rules": [{"fact": "form", "is": "one_of", "value": [form["code"]]}],
    }
    return create_segment(
        name=f"By {form['code']} {uuid4().hex[:6]}", rules=rules, now=cast.clock()
    )


def launch(form: dict[str, Any], *, subject: str = "News") -> UUID:
    """Write a campaign for the people of a form and launch it; the worker does the rest."""
    campaign = cast.draft(subject=subject, segment_id=audience_of(form))
    campaigns.launch(campaign_id=campaign, actor_id=None, now=cast.clock())
    return campaign


def wait_until_finished(campaign: UUID) -> campaigns.Progress:
    def account() -> campaigns.Progress | None:
        found = campaigns.progress(campaign_id=campaign)
        return found if found.state == "finished" else None

    return wait_for(account, "the campaign to finish")


def in_state(campaign: UUID, *states: DeliveryState) -> int:
    return Delivery.objects.filter(campaign_id=campaign, state__in=states).count()


# --- staff ---------------------------------------------------------------------------------------


def new_account(role: str = "marketing") -> NewAccount:
    return create_account(
        username=f"{role}-{uuid4().hex[:8]}",
        role=role,
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
    )


@contextmanager
def staff_browser(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.staff_url, timeout=30) as browser:
        yield browser


def submit(browser: httpx.Client, path: str, **values: str) -> httpx.Response:
    """Open a page, then send its form with what it needs against forgery."""
    page = browser.get(path)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token is not None, path
    return browser.post(
        path,
        data={"csrfmiddlewaretoken": token[1], **values},
        headers={"Origin": str(browser.base_url).rstrip("/")},
    )


def show_password(browser: httpx.Client, account: NewAccount) -> httpx.Response:
    submit(browser, "/sign-in", username=account.account.username)
    return submit(browser, "/sign-in/password", password=account.password)


def show_code(browser: httpx.Client, account: NewAccount) -> httpx.Response:
    assert account.secret is not None
    return submit(browser, "/sign-in/code", code=code_now(account.secret))
