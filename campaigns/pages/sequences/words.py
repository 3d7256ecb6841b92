"""How steps, states and reasons are called."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import EnrolmentState, SequenceState

STATES: Mapping[str, Promise] = {
    SequenceState.DRAFT: _("Draft"),
    SequenceState.ACTIVE: _("Active"),
    SequenceState.PAUSED: _("Paused"),
    SequenceState.ARCHIVED: _("Archived"),
}
# As the colours of campaigns know them.
COLOURS: Mapping[str, str] = {"active": "running", "archived": "cancelled"}
KIND_NAMES: Mapping[str, Promise] = {
    "send": _("Send a mail"),
    "wait": _("Wait for a time"),
    "wait_weekday": _("Wait until a weekday"),
    "wait_date": _("Wait until a day"),
    "condition": _("Ask a question"),
    "tag": _("Add a tag"),
    "untag": _("Remove a tag"),
    "notify": _("Tell a colleague"),
    "webhook": _("Tell another system"),
    "goto": _("Go on in another sequence"),
    "stop": _("Stop here"),
}
ICONS: Mapping[str, str] = {
    "send": "mail",
    "wait": "hourglass",
    "wait_weekday": "calendar",
    "wait_date": "calendar-event",
    "condition": "help-circle",
    "tag": "tag",
    "untag": "tags",
    "notify": "bell",
    "webhook": "share",
    "goto": "arrow-right",
    "stop": "player-stop",
}
UNIT_NAMES: Mapping[str, Promise] = {
    "minutes": _("minutes"),
    "hours": _("hours"),
    "days": _("days"),
    "weeks": _("weeks"),
}
WEEKDAYS: tuple[Promise, ...] = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
TRIGGER_NAMES: Mapping[str, Promise] = {
    "form": _("Somebody fills in a form"),
    "tag": _("A tag is added"),
    "segment": _("Somebody begins to match a segment"),
    "date": _("A date"),
    "hand": _("By hand, from the page of a contact"),
}
DATE_NAMES: Mapping[str, Promise] = {
    "created": _("The day on which somebody became a contact"),
    "contract_end": _("The end of the contract of their organisation"),
}
_REASONS: Mapping[str, Promise] = {
    "end": _("Came to the end"),
    "stop": _("Came to a stop"),
    "moved_on": _("Went on into another sequence"),
    "opted_out": _("Said no to this purpose"),
    "restricted": _("Asked that their data be left unused"),
    "erased": _("Was erased"),
    "goal": _("Reached the goal"),
    "reply": _("Answered"),
    "tag": _("Was given a tag that ends it"),
    "mail_held_back": _("A mail was held back"),
    "by_hand": _("Was stopped by hand"),
    "merged": _("Became part of another contact"),
    "archived": _("The sequence was archived"),
    "step_failed": _("A step failed"),
    "step_unknown": _("The step is not there"),
}
PASSAGES: Mapping[str, Promise] = {
    EnrolmentState.ACTIVE: _("Under way"),
    EnrolmentState.FINISHED: _("Finished"),
    EnrolmentState.EXITED: _("Left"),
    EnrolmentState.STOPPED: _("Stopped"),
    EnrolmentState.FAILED: _("Failed"),
}


def reason(code: str) -> str | Promise:
    """The words of a reason; a code nobody gave words to is shown as it is."""
    return _REASONS.get(code, code.replace("_", " "))
