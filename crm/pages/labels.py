"""The words and colours of states, kinds and reasons."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from consent.services import Basis, State

Words = str | Promise

STATUS_COLOURS: Mapping[str, str] = {
    "new": "azure",
    "engaged": "teal",
    "customer": "green",
    "former": "secondary",
    "unreachable": "orange",
}
LEAD_STATES: Mapping[str, Promise] = {
    "new": pgettext_lazy("lead", "New"),
    "in_progress": _("In progress"),
    "answered": _("Answered"),
    "closed": _("Closed"),
}
LEAD_COLOURS: Mapping[str, str] = {
    "new": "azure",
    "in_progress": "yellow",
    "answered": "green",
    "closed": "secondary",
}
CHANNELS: Mapping[str, Promise] = {
    "email": _("by e-mail"),
    "phone": _("by telephone"),
    "post": _("by post"),
    "sms": _("by text message"),
}
BASES: Mapping[str, Promise] = {
    Basis.CONSENT: _("Consent"),
    Basis.PRE_CONTRACT: _("Steps before a contract"),
    Basis.CONTRACT: _("Contract"),
    Basis.LEGITIMATE_INTEREST: _("Legitimate interest"),
}
LEDGER_STATES: Mapping[str, Promise] = {
    State.CONSENT_REQUESTED: _("Confirmation asked by e-mail"),
    State.CONSENT_GIVEN: _("Said yes"),
    State.CONSENT_RENEWED: _("Said yes again"),
    State.CONSENT_REFUSED: _("Refused"),
    State.CONSENT_WITHDRAWN: _("Withdrew the consent"),
    State.CONSENT_REVOKED: _("Consent ended by us"),
    State.CONSENT_EXPIRED: _("Consent expired"),
    State.INTEREST_UNINFORMED: _("Imported, not told yet"),
    State.INTEREST_INFORMED: _("Was informed"),
    State.INTEREST_NOT_OBJECTED: _("Did not object"),
    State.INTEREST_OBJECTED: _("Objected"),
    State.NOTICE_SHOWN: _("Was shown the notice"),
}
METHODS: Mapping[str, Promise] = {
    "form": _("in a form"),
    "double_opt_in": _("with the button of the confirmation e-mail"),
    "preference_centre": _("on the preference page"),
    "one_click_post": _("by the link of a message"),
    "mail_opt_out": _("by a mail"),
    "complaint": _("by a complaint to the mail service"),
    "undo": _("on the preference page"),
    "staff_on_behalf": _("told us, recorded by staff"),
    "by_address": _("by writing the address on our page"),
    "narrowed": _("what is left of a no to everything"),
    "import": _("by a file"),
    "information_letter": _("by our letter of information"),
    "merge": _("by merging two contacts"),
}
KINDS: Mapping[str, tuple[Words, str]] = {
    "lead": (_("Filled in a form"), "forms"),
    "campaign_sent": (_("Was sent a campaign"), "mail-forward"),
    "unreachable": (_("The address bounced for good"), "mail-x"),
    "reachable": (_("The address is right again"), "mail-opened"),
    "replied": (_("Replied"), "mail-forward"),
    "status": (_("Status changed"), "switch-horizontal"),
    "tagged": (_("Tag added"), "tag"),
    "untagged": (_("Tag removed"), "tag"),
    "called": (_("Was called"), "phone"),
    "no": (_("A no was recorded"), "hand-stop"),
    "lead_state": (_("Lead followed up"), "inbox"),
    "lead_assigned": (_("Lead assigned"), "user-check"),
    "imported": (_("Came with an import"), "upload"),
    "attached": (_("Attached to an organisation"), "building"),
    "detached": (_("No longer attached to the organisation"), "building"),
    "merged": (_("Took in another contact"), "users"),
    "noted": (_("Note"), "notes"),
    "answered": (_("Was answered by e-mail"), "mail-forward"),
    "message_sent": (_("Was sent a message"), "mail"),
}
# Why a contact has no score.
NO_SCORE: Mapping[str, Promise] = {
    "objected": _("The person objected to offers chosen for them: there is no score."),
    "restricted": _("The person asked that their data be left unused: there is no score."),
}
REMIND_IN: Mapping[str, Promise] = {
    "1": _("tomorrow"),
    "3": _("in three days"),
    "7": _("in a week"),
    "30": _("in a month"),
}
ACCOUNT_EVENTS: Mapping[str, Promise] = {
    "created": _("Created"),
    "role": _("Another role"),
    "closed": _("Closed"),
    "reopened": _("Opened again"),
    "ends_on": _("Last day"),
    "password": _("New password"),
    "sessions": _("All sessions ended"),
    "tokens": _("All tokens revoked"),
    "factor_asked": _("New second factor asked for"),
    "factor": _("Second factor renewed"),
}
# What an account opened, by the name of the page.
REASONS_TO_READ: Mapping[str, Promise] = {
    "home": _("Home page"),
    "contact": _("Page of the contact"),
    "contact-list": _("List of contacts"),
    "contact-find": _("Search by address"),
    "contact-no": _("Recording a no"),
    "contact-merge": _("Merging two contacts"),
    "contact-record": _("A record of the contact"),
    "contact-proof": _("Proof of a permission"),
    "api-contact-proof": _("Proof of a permission"),
    "campaign-proof": _("Proof of a message"),
    "api-campaign-proof": _("Proof of a message"),
    "lead-list": _("List of leads"),
    "lead-state": _("Following a lead up"),
    "lead-assign": _("Following a lead up"),
    "segment-edit": _("Trying a segment out"),
    "segment-new": _("Trying a segment out"),
    **dict.fromkeys(("lead", "lead-note", "lead-remind", "reminder-list"), _("Page of a lead")),
    "lead-reply": _("Answering a lead"),
    "mail-persons": _("Choosing somebody to look at a mail as"),
    "mail-preview": _("Looking at a mail as this person gets it"),
    "return": _("Mail that came back"),
    "sequence-people": _("People of a sequence"),
    **dict.fromkeys(("api-messages", "api-message"), _("Sending a transactional message")),
    **dict.fromkeys(("api-leads", "api-lead"), _("Following a lead up")),
    "call-list": _("List of calls"),
    "call-refused": _("Recording a no"),
    "import": _("Looking at an import"),
    "import-progress": _("Looking at an import"),
    "import-columns": _("Looking at an import"),
    "import-run": _("Looking at an import"),
    "import-refusals": _("Looking at an import"),
    "ticket": _("Ticket of customer service"),
    "contact-permissions": _("Permissions of the contact"),
    "contact-records": _("A record of the contact"),
    "organisation-list": _("List of organisations"),
    "organisation": _("Page of the organisation"),
    "organisation-edit": _("Changing an organisation"),
    "organisation-numbers": _("Bank details in full"),
    "organisation-attach": _("Attaching a contact to an organisation"),
    "export-download": _("Download of an export"),
}
CLASSES: Mapping[str, Promise] = {
    "1": _("Identity"),
    "2": _("Activity"),
    "3": _("Evidence"),
}
EVERYTHING = _("All of marketing")
NOBODY = _("Nobody")


def words(names: Mapping[str, Promise], code: str) -> Words:
    """The words of a code; one that nobody gave words to is shown as it is."""
    return names.get(code, code.replace("_", " "))
