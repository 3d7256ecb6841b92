"""What the list and the page of a form show."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.services import NoticeKind, every_notice
from crm.services import Choice, NoticeUse
from forms_intake.models import Form, FormVersion, Submission
from forms_intake.projection import document_of
from forms_intake.public.embedding import URLS, page_url, snippet_of
from forms_intake.publishing import reasons_against

RECENT = timedelta(days=30)


@dataclass(frozen=True)
class State:
    """What a version is now, in a word and a colour."""

    code: str
    word: str | Promise
    colour: str


DRAFT = State("draft", _("Draft"), "secondary")
COMING = State("coming", _("Being published"), "azure")
PUBLIC = State("public", _("Public"), "green")
RETIRED = State("retired", _("Retired"), "orange")
REPLACED = State("replaced", _("Replaced"), "secondary")


def state_of(version: FormVersion) -> State:
    if version.published_at is None:
        return DRAFT
    if version.retired_at is not None:
        return REPLACED
    return PUBLIC if version.projected_at else COMING


@dataclass(frozen=True)
class FormRow:
    form: Form
    state: State
    has_draft: bool
    recent: int
    total: int
    last_at: datetime | None


def form_rows(*, now: datetime) -> list[FormRow]:
    """Return every form with its state and counts: public ones first, retired ones last."""
    versions: dict[str, list[FormVersion]] = {}
    for version in FormVersion.objects.order_by("number"):
        versions.setdefault(version.form_id, []).append(version)
    counts = {row["form_version__form_id"]: row for row in _counts(now)}
    rows = [
        _row(form, versions.get(form.code, []), counts.get(form.code, {}))
        for form in Form.objects.order_by("name", "code")
    ]
    return sorted(rows, key=lambda row: row.state is RETIRED)


def _counts(now: datetime) -> Any:
    received = Submission.objects.values("form_version__form_id")
    return received.annotate(
        total=Count("id"),
        recent=Count("id", filter=Q(received_at__gte=now - RECENT)),
        last_at=Max("received_at"),
    ).order_by()


def _row(form: Form, versions: list[FormVersion], counts: dict[str, Any]) -> FormRow:
    live = [each for each in versions if each.published_at and not each.retired_at]
    newest = versions[-1] if versions else None
    state = state_of(live[0]) if live else DRAFT
    if form.archived_at and not live:
        state = RETIRED
    return FormRow(
        form=form,
        state=state,
        has_draft=bool(live and newest and newest.published_at is None),
        recent=counts.get("recent", 0),
        total=counts.get("total", 0),
        last_at=counts.get("last_at"),
    )


def overview_of(*, form: Form, now: datetime) -> dict[str, Any]:
    """Return what the page of one form shows."""
    versions = list(FormVersion.objects.filter(form=form).order_by("-number"))
    live = next((each for each in versions if each.published_at and not each.retired_at), None)
    draft = next((each for each in versions if each.published_at is None), None)
    received = Submission.objects.filter(form_version__form=form).values("form_version_id")
    counts = dict(
        received.annotate(total=Count("id")).order_by().values_list("form_version_id", "total")
    )
    row = next(row for row in form_rows(now=now) if row.form.code == form.code)
    return {
        "row": row,
        "live": live,
        "draft": draft,
        "reasons": reasons_against(version=draft) if draft else [],
        "versions": [(each, state_of(each), counts.get(each.id, 0)) for each in versions],
        "snippets": _snippets(live) if live else [],
        "page_url": page_url(code=form.code),
        "api_path": reverse("form-api", args=[form.code], urlconf=URLS),
    }


def _snippets(version: FormVersion) -> list[tuple[str, str]]:
    document = document_of(version=version)
    return [
        (language, snippet_of(document=document, language=language))
        for language in document["languages"]
    ]


def usable_notices() -> list[str]:
    """Return the codes of published notices that forms may use, to be offered while typing."""
    codes = {each.code for each in every_notice() if each.kind == NoticeKind.DIRECT}
    return sorted(codes)


def notice_uses(code: str) -> list[NoticeUse]:
    """Return the versions of forms that show a notice, or did: for the page of that notice."""
    rows = FormVersion.objects.filter(notice_code=code, published_at__isnull=False)
    return [
        NoticeUse(
            row.notice_version,
            row.form.name,
            reverse("form", args=[row.form_id]),
            row.number,
            row.published_at,
            row.retired_at,
        )
        for row in rows.select_related("form").order_by("form__name", "-number")
    ]


def is_first_form_published() -> bool:
    return FormVersion.objects.filter(published_at__isnull=False).exists()


def form_choices() -> list[Choice]:
    """The forms by name, for segments and for the pages of contacts."""
    rows = Form.objects.order_by("name", "code")
    return [Choice(code, name) for code, name in rows.values_list("code", "name")]
