"""A form inside the company's own site: plain HTML without cookie, script or third party."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from forms_intake.abuse import TRAP
from forms_intake.fields import countries
from forms_intake.public.pages import gone, public_page
from forms_intake.public.published import language_of, published_form

Document = dict[str, Any]
URLS = "forms_intake.urls_public"


def page_url(*, code: str) -> str:
    """Return the full address of a form's page, from any process."""
    return settings.PUBLIC_URL + reverse("form-page", args=[code], urlconf=URLS)


def snippet_of(*, document: Document, language: str) -> str:
    """Return the HTML to paste into a site: the form of one version in one language.

    It holds nothing that belongs to one visitor, so that it may be kept in a cache.
    """
    context = {
        "action": page_url(code=document["code"]),
        "code": document["code"],
        "version": document["version"],
        "language": language,
        "texts": document["texts"][language],
        "fields": [
            {
                **each,
                "label": each["labels"][language],
                "choices": countries(language).items() if each["kind"] == "country" else (),
            }
            for each in document["fields"]
        ],
        "boxes": [
            {
                "list": f"{each['control']}s",
                "name": each["name"],
                "purpose": each["purpose"],
                "channel": each["channel"],
                "text": each["control_texts"].get(language, ""),
            }
            for each in document["purposes"]
            if each["control"]
        ],
        "uses": [each["titles"][language] for each in document["purposes"] if not each["control"]],
        "notice": document["notices"][language],
        "trap": TRAP,
    }
    with translation.override(language):
        return render_to_string("forms_intake/snippet.html", context).strip() + "\n"


@public_page("GET", "HEAD")
def snippet(request: HttpRequest, code: str) -> HttpResponse:
    """The snippet by itself, for a site that includes it on its server."""
    document = published_form(code=code)
    if document is None:
        return gone(request)
    language = language_of(document, translation.get_language())
    return HttpResponse(
        snippet_of(document=document, language=language), headers={"Content-Language": language}
    )


@public_page("GET", "HEAD")
def code_to_copy(request: HttpRequest, code: str) -> HttpResponse:
    """A page for developers, with the snippet in each language of the form."""
    document = published_form(code=code)
    if document is None:
        return gone(request)
    snippets = [
        (language, snippet_of(document=document, language=language))
        for language in document["languages"]
    ]
    context = {"code": code, "snippets": snippets, "document": document, "url": page_url(code=code)}
    return render(request, "forms_intake/embed_code.html", context)
