"""Where a segment is used: by other segments, and by what floors above register."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.models import Segment


@dataclass(frozen=True)
class SegmentUse:
    """Something that a segment is used by; `url` is where it is seen."""

    what: str | Promise
    name: str
    url: str
    state: str | Promise = ""


Provider = Callable[[UUID], list[SegmentUse]]
_PROVIDERS: list[Provider] = []


def register_segment_uses(provider: Provider) -> None:
    """Say who knows of uses of a segment; twice the same is once."""
    if provider not in _PROVIDERS:
        _PROVIDERS.append(provider)


def segment_uses(*, segment_id: UUID) -> list[SegmentUse]:
    """Return what uses a segment: other segments that are not archived, then the rest."""
    named = Segment.objects.filter(archived_at=None, rules__icontains=str(segment_id))
    own = [
        SegmentUse(_("Segment"), row.name, reverse("segment-edit", args=[row.id]))
        for row in named.exclude(id=segment_id).order_by("name")
        if _names(row.rules, str(segment_id))
    ]
    return [*own, *(use for provider in _PROVIDERS for use in provider(segment_id))]


def _names(node: object, number: str) -> bool:
    """Say whether a stored tree names a segment; it may be one that does not parse any more."""
    if isinstance(node, dict):
        if node.get("fact") == "segment":
            return isinstance(node.get("value"), list) and number in node["value"]
        return _names(node.get("rules"), number)
    return isinstance(node, list) and any(_names(part, number) for part in node)
