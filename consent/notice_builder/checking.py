"""What a notice still lacks of GDPR articles 13 and 14, item by item and language by language."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent.models import NoticeKind, Purpose
from consent.notice_builder.choices import (
    LANGUAGES,
    NOTICE_RECIPIENTS,
    NoticeChoices,
    interest_word,
    possible_bases,
    usable_purposes,
)

# In the order of article 13; the last two are article 14's.
NOTICE_ITEMS: Mapping[str, Promise] = {
    "controller": _("Who is responsible, and the postal address"),
    "dpo": _("The data protection officer's address"),
    "purposes": _("The purposes and their lawful bases"),
    "interests": _("The legitimate interests pursued"),
    "recipients": _("The recipients"),
    "transfers": _("Transfers outside the European Union"),
    "retention": _("How long the data is kept"),
    "mandatory": _("What must be filled in, and what happens without it"),
    "rights": _("The rights, and how to exercise them"),
    "withdrawal": _("How a consent is withdrawn"),
    "authority": _("Complaint to the CNIL"),
    "decisions": _("Automated decisions"),
    "source": _("Where the data comes from"),
    "categories": _("The categories of data"),
}
_NO_SETTING = "@localhost.example"


@dataclass(frozen=True)
class MissingItem:
    """One thing that is missing; no language where it is missing in each of them."""

    item: str
    sentence: str | Promise
    language: str = ""
    # The words to write, where it is words that are missing.
    word: str = ""


def notice_items(choices: NoticeChoices) -> list[str]:
    """Return the items that the law asks of this notice."""
    left_out = {"mandatory"} if choices.kind == NoticeKind.INDIRECT else {"source", "categories"}
    if not choices.interests:
        left_out.add("interests")
    if not choices.rests_on_consent:
        left_out.add("withdrawal")
    return [item for item in NOTICE_ITEMS if item not in left_out]


def missing_items(*, choices: NoticeChoices) -> list[MissingItem]:
    """Return everything that has to be there before the notice can be published."""
    told = {each.code: each for each in usable_purposes()}
    found = [*_settings(), *_purposes(choices, told), *_recipients(choices)]
    for language in LANGUAGES:
        found += _words(choices, told, language)
    order = list(NOTICE_ITEMS)
    return sorted(found, key=lambda each: order.index(each.item))


def _settings() -> Iterator[MissingItem]:
    if not settings.ORGANISATION_NAME.strip() or not settings.ORGANISATION_ADDRESS.strip():
        text = _("The company's name and postal address are not set (ACCORD_ORGANISATION_ADDRESS).")
        yield MissingItem("controller", text)
    address = settings.DPO_ADDRESS.strip()
    if "@" not in address or address.endswith(_NO_SETTING):
        yield MissingItem("dpo", _("The officer's mail address is not set (ACCORD_DPO_ADDRESS)."))


def _purposes(choices: NoticeChoices, told: Mapping[str, Purpose]) -> Iterator[MissingItem]:
    if not choices.bases:
        yield MissingItem("purposes", _("Choose at least one purpose."))
    for code, basis in choices.bases.items():
        if code not in told:
            text = _("The purpose “%(code)s” is not published, or no longer.")
            yield MissingItem("purposes", text % {"code": code})
        elif basis not in possible_bases(told[code]):
            text = _("“%(title)s” cannot rest on the basis that is chosen.")
            yield MissingItem("purposes", text % {"title": _title(told[code])})
        elif not told[code].retention_days:
            text = _("“%(title)s” has no period of retention.")
            yield MissingItem("retention", text % {"title": _title(told[code])})


def _title(purpose: Purpose) -> str:
    return purpose.title_fr if get_language() == "fr" else purpose.title_en


def _recipients(choices: NoticeChoices) -> Iterator[MissingItem]:
    if not set(choices.recipients) & set(NOTICE_RECIPIENTS):
        yield MissingItem("recipients", _("Say who receives the data."))


def _words(
    choices: NoticeChoices, told: Mapping[str, Purpose], language: str
) -> Iterator[MissingItem]:
    for name, item, text in _needed(choices, told):
        if not choices.said(language, name):
            yield MissingItem(item, text, language, name)


def _needed(
    choices: NoticeChoices, told: Mapping[str, Purpose]
) -> Iterator[tuple[str, str, str | Promise]]:
    """The words that this notice cannot do without: name, item, what to write."""
    for code in choices.interests:
        if code in told:
            interest = _("Say which interest “%(title)s” pursues.") % {"title": _title(told[code])}
            yield interest_word(code), "interests", interest
    if "others" in choices.recipients:
        yield "others", "recipients", _("Name the other recipients.")
    if choices.leaves_union:
        where = _("Say to which country the data goes, and what protects it there.")
        yield "transfers", "transfers", where
    if choices.kind == NoticeKind.INDIRECT:
        yield "source", "source", _("Say where the data comes from.")
        yield "categories", "categories", _("Say which categories of data are used.")
    else:
        fields = _("Say which fields must be filled in, and what happens without them.")
        yield "mandatory", "mandatory", fields
    if choices.rests_on_consent:
        how = _("Say how a consent is withdrawn: as easily as it is given.")
        yield "withdrawal", "withdrawal", how
    if choices.has_decisions:
        logic = _("Say how the decision is taken and what follows from it.")
        yield "decisions", "decisions", logic


def missing_from_notice(*, text: str) -> list[str | Promise]:
    """Return what a text that was written elsewhere cannot do without: where to turn to."""
    lowered = text.casefold()
    found: list[str | Promise] = []
    if settings.DPO_ADDRESS.casefold() not in lowered:
        found.append(
            _("the address of the data protection officer, %(address)s")
            % {"address": settings.DPO_ADDRESS}
        )
    if "cnil" not in lowered:
        found.append(_("the right to complain to the CNIL"))
    return found
