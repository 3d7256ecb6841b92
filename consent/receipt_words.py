"""The words of a receipt's readable page: what the ledger's terms mean to a person."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.models import Basis, Channel, State

CHANNELS: Mapping[str, Promise] = {
    Channel.EMAIL: _("by e-mail"),
    Channel.PHONE: _("by telephone"),
    Channel.POST: _("by post"),
    Channel.SMS: _("by text message"),
}
STATES: Mapping[str, Promise] = {
    State.CONSENT_REQUESTED: _("We asked you to confirm; you have not yet."),
    State.CONSENT_GIVEN: _("You said yes."),
    State.CONSENT_RENEWED: _("You said yes again."),
    State.CONSENT_REFUSED: _("You said no."),
    State.CONSENT_WITHDRAWN: _("You withdrew your consent."),
    State.CONSENT_REVOKED: _("We ended this consent."),
    State.CONSENT_EXPIRED: _("Your consent has expired."),
    State.INTEREST_UNINFORMED: _("You have not been informed yet."),
    State.INTEREST_INFORMED: _("You were informed."),
    State.INTEREST_NOT_OBJECTED: _("You were informed and did not object."),
    State.INTEREST_OBJECTED: _("You objected."),
}
BASES: Mapping[str, Promise] = {
    Basis.CONSENT: _("your consent (GDPR, article 6(1)(a))"),
    Basis.PRE_CONTRACT: _("steps before a contract (GDPR, article 6(1)(b))"),
    Basis.CONTRACT: _("a contract with you (GDPR, article 6(1)(b))"),
    Basis.LEGITIMATE_INTEREST: _("our legitimate interest (GDPR, article 6(1)(f))"),
}
METHODS: Mapping[str, Promise] = {
    "form": _("in a form"),
    "double_opt_in": _("with the button of the confirmation e-mail"),
    "preference_centre": _("on your page of choices"),
    "one_click_post": _("with the link of a message"),
    "mail_opt_out": _("by a mail to us"),
    "complaint": _("by telling your mail service that the message is unwanted"),
    "undo": _("by undoing a no"),
    "by_address": _("with your address, on our page"),
    "staff_on_behalf": _("by telling us; a member of our team wrote it down"),
    "information_letter": _("in a letter that informed you"),
}
