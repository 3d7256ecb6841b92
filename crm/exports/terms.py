"""What may be in an export and what it may be for: closed lists, so that no words are kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.calling import REASONS as REASONS_OF_CALLS

ALL, SEGMENT, TAG = "all", "segment", "tag"
# The five fields that marketing may see of a person, then two facets.
COLUMNS: Mapping[str, Promise] = {
    "email": _("E-mail"),
    "given_name": _("First name"),
    "family_name": _("Last name"),
    "phone": _("Telephone"),
    "company": _("Company"),
    "language": _("Language"),
    "tags": _("Tags"),
}
REASONS: Mapping[str, Promise] = {
    "post": _("Letters on paper"),
    "event": _("Invitations to an event"),
    "calls": _("Calls by our own team"),
    "processor": _("Work of a processor under contract"),
    "check": _("A check of our own records"),
}
KEEP_DAYS_MOST, KEEP_DAYS, DOWNLOADS_MOST = 30, 7, 5
# As often the worker tries to make a file.
FAILURES_MOST = 10
LEFT_OUT: Mapping[str, Promise] = {
    **REASONS_OF_CALLS,
    "no_address": _("There is no address or number for this channel."),
    "unreadable": _("What is kept of this person cannot be opened."),
    "gone": _("The contact is not there any more."),
    "came_later": _("The person became a contact after the export was asked for."),
    "over": _("There were more people than were asked for."),
}


@dataclass(frozen=True)
class ExportTerms:
    """What is asked for. `scope_id` is the id of a segment or the slug of a tag."""

    scope: str
    scope_id: str
    purpose_code: str
    channel: str
    reason: str
    columns: Sequence[str]
    keep_days: int = KEEP_DAYS
    has_bom: bool = False

    def digest(self, rules: Mapping[str, Any]) -> str:
        """Return what an agreement is about, in one word: another column is another question."""
        said = json.dumps([asdict(self), rules], sort_keys=True, default=list)
        return hashlib.sha256(said.encode()).hexdigest()
