"""What the journal of readings says of a page: words, for every page that can open a person."""

from collections.abc import Iterator
from pathlib import Path

from django.urls import URLPattern, URLResolver, get_resolver

from crm.access import READING_ROLES
from crm.pages.labels import REASONS_TO_READ

ROOT = Path(__file__).parents[3]
# Pages of accounts, of what the company writes, and of numbers: no document is opened there.
OPEN_NOBODY = (
    "campaigns.pages.block_acts",
    "campaigns.pages.block_pages",
    "campaigns.pages.brand_pages",
    "campaigns.pages.comparing",
    "campaigns.pages.image_pages",
    "campaigns.pages.later_rounds",
    "campaigns.pages.launching",
    "campaigns.pages.listing",
    "campaigns.pages.planning",
    "campaigns.pages.preflight",
    "campaigns.pages.relay_pages",
    "campaigns.pages.reply_templates",
    "campaigns.pages.results",
    "campaigns.pages.results_compare",
    "campaigns.pages.running",
    "campaigns.pages.sequences.editing",
    "campaigns.pages.sequences.listing",
    "campaigns.pages.sequences.passages",
    "campaigns.pages.template_pages",
    "campaigns.pages.transactional",
    "campaigns.pages.version_pages",
    "campaigns.pages.visual",
    "campaigns.pages.writing",
    "crm.accounts.ceremonies",
    "crm.accounts.step_up",
    "crm.officer.addresses",
    "crm.officer.assessments",
    "crm.officer.notices",
    "crm.officer.purposes",
    "crm.officer.rules",
    "crm.pages.account",
    "crm.pages.account_acts",
    "crm.pages.accounts",
    "crm.pages.api_schema",
    "crm.pages.approvals",
    "crm.pages.bell",
    "crm.pages.lead_bulk",
    "crm.pages.passkeys",
    "crm.pages.readings",
    "crm.pages.score_rules",
    "crm.pages.security",
    "crm.pages.segments",
    "crm.pages.tokens",
    "forms_intake.pages.views",
)
# Beside pages that do: these write facets and ids, or show numbers and sample people.
ALSO_NOBODY = {
    "call-made",
    "campaign-audience",
    "campaign-preview",
    "contact-reachable",
    "contact-status",
    "contact-tag",
    "contact-untag",
    "export",
    "export-cancel",
    "export-list",
    "export-new",
    "export-progress",
    "import-drop",
    "import-list",
    "import-new",
    "lead-give",
    "lead-reminded",
    "mail-findings",
    "organisation-detach",
    "organisation-new",
    "return-list",
    "return-looked",
    "sequence",
    "sequence-activate",
    "sequence-archive",
    "sequence-pause",
    "sequence-restore",
    "sequence-resume",
    "starter-preview",
    "template-preview",
    "ticket-list",
}
_OPENING = (
    "profiles(",
    "read_documents(",
    "details_of(",
    "open_evidence(",
    "change_document(",
    "find_people(",
    "person_of(",
    "reader_for(",
    "words_of(return",
)


def _walk(resolver: URLResolver) -> Iterator[URLPattern]:
    for part in resolver.url_patterns:
        if isinstance(part, URLResolver):
            yield from _walk(part)
        else:
            yield part


def _pages() -> dict[str, str]:
    """The addresses that a reading role may enter, and the module of each."""
    found = {}
    for pattern in _walk(get_resolver("deploy.urls_staff")):
        roles = getattr(pattern.callback, "staff_roles", None)
        if roles is not None and (not roles or {*roles} & {*READING_ROLES}):
            found[str(pattern.name)] = pattern.callback.__module__
    return found


def test_every_page_that_may_open_a_person_has_words_in_the_journal() -> None:
    opening = {name for name, module in _pages().items() if module not in OPEN_NOBODY}
    assert opening - ALSO_NOBODY - REASONS_TO_READ.keys() == set()


def test_no_words_are_kept_for_a_page_that_is_gone() -> None:
    every = {pattern.name for pattern in _walk(get_resolver("deploy.urls_staff"))}
    assert REASONS_TO_READ.keys() - every == set()
    assert ALSO_NOBODY - every == set()


def test_who_is_said_to_open_nobody_calls_nothing_that_does() -> None:
    for module in OPEN_NOBODY:
        source = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert not [call for call in _OPENING if call in source], module
