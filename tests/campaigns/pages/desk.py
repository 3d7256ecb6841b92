"""What the tests of these pages share: a form as a browser fills it in, and what to look for."""

import re
from html.parser import HTMLParser

from django.test import Client
from django.urls import reverse

from campaigns.content.library import starter
from tests.crm.staff import staff_client

BROKEN = "<mjml>\n<mj-body>\n <mj-include path='/etc/passwd' />\n</mj-body>\n</mjml>"


def browser(role: str = "marketing") -> Client:
    """A member of staff with both factors, who reads English."""
    client = staff_client(role, username=role)
    client.cookies["accord_language"] = "en"
    return client


def good_mjml() -> str:
    first = starter("newsletter.en")
    assert first is not None
    return first.mjml


def words(**changed: str) -> dict[str, str]:
    """The answers of the editor of campaigns."""
    return {
        "name": "November news",
        "purpose": "newsletter",
        "segment": "",
        "language": "en",
        "subject": "Hello {{ first_name }}",
        "preheader": "",
        "sender_name": "Example",
        "sender_address": "news@example.org",
        "reply_to": "",
        "mjml": good_mjml(),
        **changed,
    }


def read(client: Client, name: str, *args: object, status: int = 200) -> str:
    """The page of that name, as text."""
    response = client.get(reverse(name, args=args))
    assert response.status_code == status, response.status_code
    return response.content.decode()


def plain(html: str) -> str:
    """The words of a page with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


class Offences(HTMLParser):
    """What a page holds that the staff side's policy forbids, or that others serve."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or "style" in given or (tag == "script" and not given.get("src")):
            self.found.append(f"inline in <{tag}>")
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(f"{tag} {name}")
            if name in ("src", "href", "action", "formaction") and re.match(
                r"(?:[a-z]+:|//)", value or "", re.IGNORECASE
            ):
                self.found.append(f"{tag} {name}={value}")


def offences(html: str) -> list[str]:
    reader = Offences()
    reader.feed(html)
    return reader.found
