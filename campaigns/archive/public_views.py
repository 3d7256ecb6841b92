"""The archive: pages and a feed for anybody. No cookie, no key, nothing measured."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.feedgenerator import Rss201rev2Feed
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.models import PublishedIssue
from privacy.services import on_intake

logger = logging.getLogger("campaigns.archive")
View = Callable[..., HttpResponse]
PAGE_SIZE = 20
_FEED_SIZE = 30
_SECONDS_KEPT = 300
# The mail in its frame: it runs nothing and fetches pictures of ours alone; its links open in a
# window of their own, without knowing where they come from.
MAIL_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def _page(view: View) -> View:
    """The frame of every page here: safe methods, kept for minutes, clear when intake is away."""

    @wraps(view)
    @require_safe
    def framed(request: HttpRequest, **named: Any) -> HttpResponse:
        try:
            response = view(request, **named)
        except (DatabaseError, InterfaceError):
            logger.error("the archive could not be read")
            response = render(request, "campaigns/archive/later.html", status=503)
            response["Retry-After"] = "60"
            response["Cache-Control"] = "no-store"
            return response
        response["Cache-Control"] = f"public, max-age={_SECONDS_KEPT}"
        return response

    return framed


def _language() -> str:
    return "en" if translation.get_language() == "en" else "fr"


@_page
def issues(request: HttpRequest) -> HttpResponse:
    """What was sent in this language, newest first; `before` is where the last page ended."""
    language = _language()
    rows = PublishedIssue.objects.filter(language=language).order_by("-sent_at", "-campaign_id")
    rows = rows.only("campaign_id", "language", "subject", "summary", "sent_at")
    rows = _older(rows, request.GET.get("before", ""))
    found = on_intake(lambda: list(rows[: PAGE_SIZE + 1]))
    page = found[:PAGE_SIZE]
    context = {
        "issues": page,
        "next": _mark(page[-1]) if len(found) > PAGE_SIZE else "",
        "is_first": "before" not in request.GET,
        "other": "fr" if language == "en" else "en",
    }
    return render(request, "campaigns/archive/issues.html", context)


def _mark(issue: PublishedIssue) -> str:
    return f"{issue.sent_at.timestamp():.6f}_{issue.campaign_id}"


def _older(rows: Any, mark: str) -> Any:
    """Only what is older than the mark; a mark that cannot be read is no mark."""
    moment, _sep, number = mark.partition("_")
    try:
        at, last = datetime.fromtimestamp(float(moment), UTC), UUID(number)
    except (ValueError, OverflowError, OSError):
        return rows
    return rows.filter(sent_at__lte=at).exclude(sent_at=at, campaign_id__gte=last)


def _issue(campaign_id: UUID, language: str) -> PublishedIssue:
    key = {"campaign_id": campaign_id, "language": language}
    issue = on_intake(PublishedIssue.objects.filter(**key).first)
    if issue is None:
        raise Http404
    return issue


@_page
def issue(request: HttpRequest, *, campaign_id: UUID, language: str) -> HttpResponse:
    return render(request, "campaigns/archive/issue.html", {"issue": _issue(campaign_id, language)})


@_page
def mail(_request: HttpRequest, *, campaign_id: UUID, language: str) -> HttpResponse:
    """The mail itself, for the frame of its page."""
    html = _issue(campaign_id, language).html
    headers = {"Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HttpResponse(html, headers=headers)


@_page
def links(request: HttpRequest) -> HttpResponse:
    """Where the ways to say no lead in a mail that was sent to nobody."""
    return render(request, "campaigns/archive/links.html")


@_page
def feed(request: HttpRequest, *, language: str) -> HttpResponse:
    """RSS 2.0 of the newest of one language."""
    rows = PublishedIssue.objects.filter(language=language).order_by("-sent_at", "-campaign_id")
    rows = rows.only("campaign_id", "language", "subject", "summary", "sent_at")
    found = on_intake(lambda: list(rows[:_FEED_SIZE]))
    with translation.override(language):
        title = _("News of %(name)s") % {"name": settings.ORGANISATION_NAME}
    here = settings.PUBLIC_URL
    made = Rss201rev2Feed(
        title=title,
        link=f"{here}{reverse('archive')}?lang={language}",
        description=title,
        language=language,
        feed_url=f"{here}{request.path}",
        ttl=_SECONDS_KEPT // 60,
    )
    for each in found:
        address = f"{here}{reverse('archive-issue', args=[each.campaign_id, each.language])}"
        made.add_item(
            title=each.subject,
            link=address,
            unique_id=address,
            description=each.summary,
            pubdate=each.sent_at,
        )
    response = HttpResponse(made.writeString("utf-8"), content_type=made.content_type)
    if found:
        response["Last-Modified"] = http_date(found[0].sent_at.timestamp())
    return response
