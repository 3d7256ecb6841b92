"""What a form version needs before anybody may be asked to fill it in."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent.services import (
    Basis,
    Channel,
    NoticeUnknown,
    PurposeText,
    PurposeUse,
    current_assessment,
    notice,
    notice_disagreements,
    purposes,
)
from forms_intake.fields import ALWAYS_REQUIRED, FIELDS
from forms_intake.models import Form, FormPurpose, FormVersion
from forms_intake.versions import (
    NO_ASSESSMENT,
    AlreadyPublished,
    NoSuchForm,
    NotPublishable,
    Reason,
)

LANGUAGES = ("fr", "en")
_ORIGIN = re.compile(r"https?://[^/?#@\s]+\Z")
_TEXTS_NEEDED = ("title", "submit", "thanks")


def publish_version(*, version_id: UUID, now: datetime) -> None:
    """Freeze a draft and make it the form's public version; the one before it is retired.

    The public side follows when the worker has copied it. Raises NotPublishable with every reason
    at once, AlreadyPublished, NoSuchForm.
    """
    with transaction.atomic(using="default"):
        version = FormVersion.objects.select_for_update().filter(id=version_id).first()
        if version is None:
            raise NoSuchForm(NoSuchForm.__doc__)
        if version.published_at is not None:
            raise AlreadyPublished(AlreadyPublished.__doc__)
        if reasons := reasons_against(version=version):
            raise NotPublishable(reasons)
        _bind_assessments(version)
        FormVersion.objects.filter(
            form_id=version.form_id, published_at__isnull=False, retired_at__isnull=True
        ).update(retired_at=now)
        FormVersion.objects.filter(id=version_id).update(published_at=now)
        Form.objects.filter(code=version.form_id).update(archived_at=None)


def _bind_assessments(version: FormVersion) -> None:
    """A draft may be older than the newest assessment: what is published rests on that one."""
    for row in version.purposes.filter(basis=Basis.LEGITIMATE_INTEREST):
        row.assessment_id = current_assessment(purpose_code=row.purpose_id)
        row.save(update_fields=["assessment"])


def reasons_against(*, version: FormVersion) -> list[Reason]:
    """Return why this version cannot be published; empty when it can."""
    found = [*_texts(version), *_fields(version), *_notice(version), *_addresses(version)]
    rows = list(version.purposes.order_by("position"))
    if not rows:
        text = _("Say for what the answers are used: a form needs a purpose.")
        found.append(Reason("no_purpose", text))
    known = {purpose.code: purpose for purpose in purposes(language="en")}
    for row in rows:
        found += _purpose(version, row, known[row.purpose_id])
    found += _agreement(version, rows)
    return list({reason.code: reason for reason in found}.values())


def _texts(version: FormVersion) -> Iterator[Reason]:
    if not version.texts or not set(version.texts) <= set(LANGUAGES):
        yield Reason("no_text", _("Write the texts in at least one language."))
    for texts in version.texts.values():
        if not all(str(texts.get(name, "")).strip() for name in _TEXTS_NEEDED):
            text = _("Each language needs a title, the words of the button and a thank-you.")
            yield Reason("text_missing", text)


def _fields(version: FormVersion) -> Iterator[Reason]:
    names = [str(each["name"]) for each in version.fields]
    if len(names) != len(set(names)) or not set(names) <= FIELDS.keys():
        yield Reason("unknown_field", _("The form asks for a field that is not in the list."))
    required = {str(each["name"]) for each in version.fields if each["is_required"]}
    if ALWAYS_REQUIRED not in required:
        yield Reason("no_email", _("The e-mail address must be asked for, and required."))


def _notice(version: FormVersion) -> Iterator[Reason]:
    for language in version.texts:
        try:
            notice(code=version.notice_code, version=version.notice_version, language=language)
        except NoticeUnknown:
            text = _("The notice must exist in every language of the form.")
            yield Reason("notice_missing", text)


_OTHERWISE = {
    "kind": _("The notice is not one for forms: choose one that informs who fills them in."),
    "purpose": _("The notice does not speak of: %(purposes)s."),
    "basis": _("The notice states another lawful basis for: %(purposes)s."),
    "retention": _("The notice states another period of retention for: %(purposes)s."),
    "recipients": _("The notice states other recipients for: %(purposes)s."),
}


def _agreement(version: FormVersion, rows: Sequence[FormPurpose]) -> Iterator[Reason]:
    """What people read must be what is done (GDPR 5(1)(a)): the notice and the form agree."""
    titles = {each.code: each.title for each in purposes(language=get_language() or "fr")}
    against: dict[str, list[str]] = {}
    for each in notice_disagreements(
        code=version.notice_code,
        version=version.notice_version,
        uses=[PurposeUse(row.purpose_id, row.basis) for row in rows],
    ):
        named = against.setdefault(each.about, [])
        named += [titles[each.purpose_code]] if each.purpose_code in titles else []
    for about, named in against.items():
        yield Reason(f"notice_{about}", _OTHERWISE[about] % {"purposes": ", ".join(named)})


def _addresses(version: FormVersion) -> Iterator[Reason]:
    if not all(_ORIGIN.match(origin) for origin in version.allowed_origins):
        text = _("An origin is a scheme and a host, such as https://www.example.org.")
        yield Reason("invalid_origin", text)
    parts = urlsplit(version.redirect_url)
    is_local = parts.hostname in {"localhost", "127.0.0.1"}
    if version.redirect_url and not (parts.scheme == "https" or is_local):
        text = _("The page to go to afterwards must have an address that begins with https://.")
        yield Reason("invalid_redirect", text)


def _purpose(version: FormVersion, row: FormPurpose, known: PurposeText) -> Iterator[Reason]:
    if row.basis not in Basis.values:
        yield Reason("unknown_basis", _("A purpose has a basis that is not in the list."))
    if row.channel not in known.channels:
        yield Reason("unknown_channel", _("A purpose has a channel that it is not made for."))
    has_box = row.basis in {Basis.CONSENT, Basis.LEGITIMATE_INTEREST}
    if known.is_marketing and not has_box:
        text = _("Marketing rests on consent or on legitimate interest, and the person can say no.")
        yield Reason("marketing_needs_choice", text)
    has_words = all(str(row.control_texts.get(each, "")).strip() for each in version.texts)
    if has_box and not has_words:
        text = _("Each box needs its own words in every language of the form.")
        yield Reason("words_missing", text)
    is_interest = row.basis == Basis.LEGITIMATE_INTEREST
    if is_interest and current_assessment(purpose_code=row.purpose_id) is None:
        yield NO_ASSESSMENT
    if row.channel == Channel.PHONE and "phone" not in {each["name"] for each in version.fields}:
        text = _("A purpose that uses the telephone needs the telephone field.")
        yield Reason("phone_not_asked", text)
