"""People who filled in a form, and what a page looks like to a reader."""

from datetime import datetime
from uuid import UUID, uuid4

from bs4 import BeautifulSoup
from django.db import transaction
from django.http import HttpResponse

from crm.services import Person, receive_lead
from tests.conftest import NOW


def arrive(
    name: str = "Alice",
    *,
    message: str = "",
    at: datetime = NOW,
    form_code: str = "contact",
    lead_id: UUID | None = None,
    language: str = "fr",
) -> UUID:
    person = Person(
        email=f"{name.lower()}@example.org",
        given_name=name,
        family_name="Martin",
        company=f"{name} & Co",
        phone="+33612345678",
        country="FR",
    )
    with transaction.atomic():
        return receive_lead(
            lead_id=lead_id or uuid4(),
            person=person,
            message=message,
            language=language,
            form_code=form_code,
            form_version=1,
            source="site",
            received_at=at,
            now=at,
        )


def soup(response: object) -> BeautifulSoup:
    assert isinstance(response, HttpResponse)
    return BeautifulSoup(response.content, "html.parser")


def words(response: object) -> str:
    return soup(response).get_text(" ", strip=True)


def unlabelled(page: BeautifulSoup) -> list[str]:
    """Return the controls that a screen reader could not name."""
    labelled = {label.get("for") for label in page.find_all("label")}
    return [
        str(control)
        for control in page.find_all(["input", "select", "textarea"])
        if control.get("type") != "hidden"
        and control.get("id") not in labelled
        and control.find_parent("label") is None
    ]
