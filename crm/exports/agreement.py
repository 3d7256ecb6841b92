"""Exports in words for the second person who agrees to one."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from consent.services import purposes
from crm.approval_kinds import DPO, ApprovalKind, Facts, Reference, register_approval_kind
from crm.exports.asking import KIND, scopes_words
from crm.exports.terms import COLUMNS, REASONS
from crm.models import Export
from crm.pages.labels import CHANNELS, words


def _exports(references: Sequence[Reference]) -> Mapping[str, Export]:
    numbers = {UUID(str(reference["export"])) for reference in references if "export" in reference}
    return {str(row.id): row for row in Export.objects.filter(id__in=numbers)}


def _describe_all(references: Sequence[Reference]) -> list[Facts]:
    found = _exports(references)
    scopes = scopes_words((row.scope, row.scope_id) for row in found.values())
    titles = {one.code: one.title for one in purposes(language=get_language() or "fr")}
    described: list[Facts] = []
    for reference in references:
        row = found.get(str(reference.get("export", "")))
        if row is None:
            described.append([(_("What is asked for"), _("This export is not there any more."))])
        else:
            described.append(_facts(reference, row, scopes[row.scope, row.scope_id], titles))
    return described


def _facts(reference: Reference, row: Export, whom: str, titles: Mapping[str, str]) -> Facts:
    return [
        (_("Who"), whom),
        (_("People at most"), str(reference["rows"])),
        (_("What for"), titles.get(row.purpose_id, row.purpose_id)),
        (_("Channel"), words(CHANNELS, row.channel)),
        (_("Why"), REASONS.get(row.reason, row.reason)),
        (_("Columns"), ", ".join(str(COLUMNS[name]) for name in row.columns)),
        (_("Days the file is kept"), str(row.keep_days)),
    ]


def _describe(reference: Reference) -> Facts:
    return _describe_all([reference])[0]


def _taken_back(references: Sequence[Reference]) -> list[bool]:
    found = _exports(references)
    rows = [found.get(str(reference.get("export", ""))) for reference in references]
    return [row is not None and row.cancelled_at is not None for row in rows]


def register() -> None:
    """Register the kind of request; safe to repeat."""
    register_approval_kind(
        ApprovalKind(
            KIND,
            gettext_lazy("Export of people"),
            (DPO,),
            _describe,
            askers=("marketing", DPO),
            describe_all=_describe_all,
            taken_back=_taken_back,
        )
    )
