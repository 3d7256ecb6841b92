"""The pages of imports: what a person sees before and after, and who may."""

import csv
import io
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from crm import services
from crm.models import Contact, ImportBatch
from crm.spreadsheets import as_text
from tests.conftest import NOW
from tests.consent.arrivals import SOURCE, publish_indirect_notice
from tests.crm.imports.files import file_of, run, upload
from tests.crm.pages.arrivals import soup, unlabelled, words
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
FILE = file_of("alice@example.org;Alice;Martin;;", "nobody;;;;", "bob@example.org;Bob;;;")


def post(client: Client, content: bytes = FILE, **changed: str) -> object:
    publish_indirect_notice()
    answers = {
        "source": SOURCE,
        "purpose": "targeted_promotion",
        "notice": "imported:1",
        "file": SimpleUploadedFile("people.csv", content, "text/csv"),
        **changed,
    }
    return client.post(reverse("import-new"), answers)


def batch() -> UUID:
    return ImportBatch.objects.get().id


def test_from_the_upload_to_the_report(client: Client) -> None:
    post(client)
    url = reverse("import", args=[batch()])
    assert "3 lines are being looked at" in words(client.get(url))
    services.work_on_imports(now=NOW)
    look = words(client.get(url))
    assert "New contacts" in look and "alice@example.org" in look and "Line 3" in look
    assert not Contact.objects.exists()
    client.post(reverse("import-run", args=[batch()]))
    assert "of 3 lines" in words(client.get(url))
    services.work_on_imports(now=NOW)
    report = words(client.get(url))
    assert "What became of it" in report and "Line 3: The e-mail address is not valid." in report
    assert "alice@example.org" not in report
    assert SOURCE in words(client.get(reverse("import-list")))


def test_progress_asks_again_and_then_shows_the_page(client: Client) -> None:
    number = upload(FILE)
    url = reverse("import-progress", args=[number])
    assert client.get(url + "?stage=counting").headers["HX-Refresh"] == "true"
    client.post(reverse("import-run", args=[number]))
    assert "of 3 lines" in words(client.get(url + "?stage=running"))


def test_columns_are_chosen_on_the_page(client: Client) -> None:
    number = upload(file_of("x;bob@example.org", header="first;second"))
    page = soup(client.get(reverse("import", args=[number])))
    assert page.select_one("button[disabled]") is not None
    client.post(reverse("import-columns", args=[number]), {"email": "1"})
    services.work_on_imports(now=NOW)
    page = soup(client.get(reverse("import", args=[number])))
    assert page.select_one("button[disabled]") is None
    again = client.post(reverse("import-columns", args=[number]), {"email": "1", "company": "1"})
    assert "one field only" in words(again)


def test_the_reasons_are_a_file_without_the_lines(client: Client) -> None:
    response = client.get(reverse("import-refusals", args=[run(FILE)]))
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows == [["Line", "Reason"], ["3", "The e-mail address is not valid."]]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t"])
def test_no_cell_of_a_report_is_a_formula(begin: str) -> None:
    assert as_text(f"{begin}1") == f"'{begin}1"
    assert as_text("A reason") == "A reason"


def test_a_file_that_cannot_be_read_says_what_to_do(client: Client) -> None:
    response = post(client, "email\né".encode("utf-16"))
    assert "Save it again as CSV UTF-8." in words(response)
    assert not ImportBatch.objects.exists()


def test_a_file_that_is_too_large_is_not_taken(client: Client) -> None:
    big = b"email\n" + b"a@example.org\n" * (settings.FILE_UPLOAD_MAX_MEMORY_SIZE // 14 + 1)
    assert "a larger one is not taken" in words(post(client, big))


def test_giving_up_destroys_the_file(client: Client) -> None:
    number = upload(FILE)
    client.post(reverse("import-drop", args=[number]))
    services.work_on_imports(now=NOW)
    assert not ImportBatch.objects.exists()


def test_the_officer_reads_and_does_not_import(vault: None) -> None:
    officer = staff_client("dpo", username="dominique")
    number = upload(FILE)
    page = words(officer.get(reverse("import", args=[number])))
    assert "alice@example.org" not in page and "not decided yet" in page
    assert officer.get(reverse("import-new")).status_code == 403
    assert officer.post(reverse("import-run", args=[number])).status_code == 403
    assert "Import a file" not in words(officer.get(reverse("import-list")))


def test_sales_does_not_see_imports(vault: None) -> None:
    sales = staff_client("sales", username="sacha")
    assert sales.get(reverse("import-list")).status_code == 403


def test_without_an_assessment_or_a_notice_the_page_says_what_is_missing(client: Client) -> None:
    page = words(client.get(reverse("import-new")))
    assert "Nothing can be imported yet" in page and "Consent cannot be imported." in page


def test_every_control_has_a_name_and_nothing_is_inline(client: Client) -> None:
    number = upload(FILE)
    for url in (reverse("import-new"), reverse("import", args=[number]), reverse("import-list")):
        page = soup(client.get(url))
        assert unlabelled(page) == [], url
        assert not page.select("[style], style, script:not([src])"), url
