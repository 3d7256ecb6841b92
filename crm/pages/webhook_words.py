"""The words of webhooks: states of calls, what went wrong, why one is not called."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CALL_STATES: Mapping[str, Promise] = {
    "waiting": _("On its way"),
    "done": _("Told"),
    "failed": _("Given up"),
    "dropped": _("Dropped"),
}
CALL_COLOURS: Mapping[str, str] = {
    "waiting": "azure",
    "done": "green",
    "failed": "red",
    "dropped": "secondary",
}
DISABLED: Mapping[str, Promise] = {
    "by_staff": _("Switched off by staff."),
    "failing": _("Switched off by itself: for five days every try failed."),
    "gone": _("Switched off by itself: the receiver says that this address is gone (410)."),
}
FAILURES: Mapping[str, Promise] = {
    "refused_address": _("The name leads into a private network: it is not called."),
    "no_name": _("The name is not known to the DNS."),
    "bad_url": _("This is no address that can be called."),
    "https_needed": _("The address must begin with https://."),
    "no_connection": _("No connection."),
    "no_tls": _("No trusted TLS."),
    "timeout": _("No answer in time."),
    "bad_answer": _("The connection broke, or the answer was no HTTP."),
    "no_secret": _("The secret of this webhook does not open: give it a new one."),
}
REFUSALS: Mapping[str, Promise] = {
    "bad_url": _(
        "Write a whole address, like https://example.org/hook, without a user name or a #."
    ),
    "https_needed": _("The address must begin with https://."),
}
