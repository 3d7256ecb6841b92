"""Which role may ask for which address of the staff side: the reviewed table, docs/roles.md.

`get` and `post` are what a role of the row is answered where nothing is kept and with the samples
of test_every_staff_address.py: 404 is "past the gate, and there is no such thing". Every other role
is answered 403, and everybody 405 where the method is not one of the page's. With `step_up` the
second factor must have been shown again within ten minutes: who comes later is sent to show it.
"""

from typing import NamedTuple


def _roles(text: str) -> frozenset[str]:
    return frozenset(text.split())


EVERYBODY = _roles("marketing sales communication support dpo dsi administrator operations")
WRITERS = _roles("marketing sales communication")
READERS = _roles("marketing sales communication dpo")
OFFICER = _roles("dpo")
PROVERS = _roles("marketing sales dpo")
SUPPORT = _roles("support")
TICKETS = _roles("support dpo")
IMPORTERS = _roles("marketing")
IMPORTS = _roles("marketing dpo")
CAMPAIGNERS = _roles("marketing communication")
FORMS = _roles("marketing communication dpo")
ADMINISTRATOR = _roles("administrator")
ACCOUNTS = _roles("dpo dsi administrator")
SYSTEM = _roles("dsi operations")
WATCHERS = _roles("dsi administrator dpo")
APPROVERS = _roles("dpo dsi")
EXPORTERS = _roles("marketing dpo")
# Organisations and their bank details: support sees none of them.
SCORERS = _roles("marketing sales")
WEBHOOKS = _roles("dsi administrator")
ORGANISATIONS = _roles("marketing sales")
NUMBERS = _roles("marketing sales dpo")


class Row(NamedTuple):
    roles: frozenset[str]
    get: int
    post: int
    step_up: bool = False


MATRIX: dict[str, Row] = {
    "home": Row(EVERYBODY, get=200, post=405),
    "account": Row(EVERYBODY, get=200, post=405),
    "change-password": Row(EVERYBODY, get=200, post=200),
    "replace-authenticator": Row(EVERYBODY, get=200, post=200),
    "renew-recovery-codes": Row(EVERYBODY, get=200, post=200),
    "confirm": Row(EVERYBODY, get=200, post=200),
    "confirm-passkey-begin": Row(EVERYBODY, get=405, post=200),
    "confirm-passkey": Row(EVERYBODY, get=405, post=403),  # no passkey has answered
    "passkey-new": Row(EVERYBODY, get=200, post=405, step_up=True),
    "passkey-begin": Row(EVERYBODY, get=405, post=200, step_up=True),
    "passkey-complete": Row(EVERYBODY, get=405, post=403, step_up=True),  # no passkey has answered
    "passkey-remove": Row(EVERYBODY, get=404, post=404, step_up=True),
    "end-other-sessions": Row(EVERYBODY, get=405, post=302),
    "token-list": Row(READERS, get=200, post=405),
    "token-new": Row(READERS, get=200, post=200, step_up=True),
    "token-revoke": Row(READERS, get=404, post=404, step_up=True),
    "api-schema": Row(EVERYBODY, get=200, post=405),
    "security-events": Row(WATCHERS, get=200, post=405),
    "shared-accounts": Row(WATCHERS, get=200, post=405),
    "approval-list": Row(APPROVERS, get=200, post=405),
    "approval": Row(APPROVERS, get=404, post=404, step_up=True),
    "account-list": Row(ACCOUNTS, get=200, post=405),
    "account-new": Row(ADMINISTRATOR, get=200, post=200, step_up=True),
    "account-page": Row(ACCOUNTS, get=404, post=405),
    "account-readings": Row(OFFICER, get=404, post=405),
    "account-read-more": Row(OFFICER, get=405, post=404),
    "account-act": Row(ADMINISTRATOR, get=404, post=404, step_up=True),
    "system": Row(SYSTEM, get=200, post=405),
    "ticket-list": Row(TICKETS, get=200, post=405),
    "ticket-new": Row(SUPPORT, get=200, post=200),
    "ticket": Row(TICKETS, get=404, post=405),
    "ticket-find": Row(SUPPORT, get=405, post=404),
    "ticket-close": Row(SUPPORT, get=405, post=404),
    "contact-list": Row(READERS, get=200, post=405),
    "contact-find": Row(READERS, get=405, post=200),
    "contact": Row(READERS, get=404, post=405),
    "contact-status": Row(WRITERS, get=405, post=400),
    "contact-tag": Row(WRITERS, get=405, post=302),
    "contact-untag": Row(WRITERS, get=405, post=404),
    "contact-no": Row(READERS, get=404, post=404),
    "contact-record": Row(READERS, get=404, post=405),
    "contact-permissions": Row(READERS, get=404, post=405),
    "contact-records": Row(PROVERS, get=404, post=405),
    "api-contact-proof": Row(PROVERS, get=404, post=405),
    "ask-address": Row(OFFICER, get=200, post=200),
    "contact-proof": Row(PROVERS, get=404, post=405),
    "contact-readings": Row(OFFICER, get=404, post=405),
    "contact-merge": Row(WRITERS, get=404, post=404),
    "import-list": Row(IMPORTS, get=200, post=405),
    "import-new": Row(IMPORTERS, get=200, post=200),
    "import": Row(IMPORTS, get=404, post=405),
    "import-progress": Row(IMPORTS, get=404, post=405),
    "import-columns": Row(IMPORTERS, get=405, post=404),
    "import-run": Row(IMPORTERS, get=405, post=404),
    "import-drop": Row(IMPORTERS, get=405, post=404),
    "import-refusals": Row(IMPORTS, get=404, post=405),
    "export-list": Row(EXPORTERS, get=200, post=405),
    "export-new": Row(EXPORTERS, get=200, post=200, step_up=True),
    "export": Row(EXPORTERS, get=404, post=405),
    "export-progress": Row(EXPORTERS, get=404, post=405),
    "export-cancel": Row(EXPORTERS, get=405, post=404),
    "export-download": Row(EXPORTERS, get=404, post=404, step_up=True),
    "organisation-list": Row(READERS, get=200, post=405),
    "organisation-new": Row(ORGANISATIONS, get=200, post=200, step_up=True),
    "organisation": Row(READERS, get=404, post=405),
    "organisation-edit": Row(ORGANISATIONS, get=404, post=404, step_up=True),
    "organisation-numbers": Row(NUMBERS, get=404, post=404, step_up=True),
    "organisation-attach": Row(ORGANISATIONS, get=405, post=302),
    "organisation-detach": Row(ORGANISATIONS, get=405, post=404),
    "lead-list": Row(READERS, get=200, post=405),
    "lead-state": Row(WRITERS, get=405, post=400),
    "lead-assign": Row(WRITERS, get=405, post=404),
    "lead": Row(READERS, get=404, post=405),
    "lead-bulk": Row(WRITERS, get=405, post=400),
    "lead-undo": Row(WRITERS, get=405, post=302),
    "lead-note": Row(WRITERS, get=405, post=404),
    "lead-remind": Row(WRITERS, get=405, post=404),
    "lead-reminded": Row(WRITERS, get=405, post=404),
    "lead-give": Row(WRITERS, get=405, post=404),
    "reminder-list": Row(WRITERS, get=200, post=405),
    "lead-reply": Row(WRITERS, get=404, post=404),
    "reply-template-list": Row(READERS, get=200, post=405),
    "reply-template-new": Row(WRITERS, get=200, post=200),
    "reply-template-edit": Row(WRITERS, get=404, post=404),
    "reply-template-archive": Row(WRITERS, get=405, post=404),
    "reply-template-restore": Row(WRITERS, get=405, post=404),
    "transactional-list": Row(READERS, get=200, post=405),
    "transactional-new": Row(WRITERS, get=200, post=200),
    "transactional-edit": Row(WRITERS, get=404, post=404),
    "transactional-archive": Row(WRITERS, get=405, post=404),
    "transactional-restore": Row(WRITERS, get=405, post=404),
    "api-messages": Row(WRITERS, get=405, post=401),
    "api-message": Row(WRITERS, get=404, post=405),
    "api-leads": Row(READERS, get=200, post=405),
    "api-lead": Row(READERS, get=404, post=405),
    "score-rule-list": Row(READERS, get=200, post=405),
    "score-rule-new": Row(SCORERS, get=200, post=200),
    "score-rule-edit": Row(READERS, get=404, post=404),
    "score-rule-archive": Row(SCORERS, get=405, post=404),
    "score-rule-restore": Row(SCORERS, get=405, post=404),
    "notification-list": Row(EVERYBODY, get=200, post=405),
    "notification-open": Row(EVERYBODY, get=405, post=404),
    "notifications-read": Row(EVERYBODY, get=405, post=302),
    "webhook-list": Row(WEBHOOKS, get=200, post=405),
    "webhook-new": Row(WEBHOOKS, get=200, post=200, step_up=True),
    "webhook": Row(WEBHOOKS, get=404, post=405),
    "webhook-edit": Row(WEBHOOKS, get=404, post=404, step_up=True),
    "webhook-rotate": Row(WEBHOOKS, get=405, post=404, step_up=True),
    "webhook-test": Row(WEBHOOKS, get=405, post=404),
    "webhook-switch": Row(WEBHOOKS, get=405, post=404),
    "webhook-remove": Row(WEBHOOKS, get=405, post=404, step_up=True),
    "webhook-redeliver": Row(WEBHOOKS, get=405, post=404),
    "call-list": Row(WRITERS, get=200, post=405),
    "call-made": Row(WRITERS, get=405, post=400),
    "call-refused": Row(WRITERS, get=405, post=400),
    "segment-list": Row(READERS, get=200, post=405),
    "segment-archived": Row(READERS, get=200, post=405),
    "segment-duplicate": Row(WRITERS, get=405, post=404),
    "contact-segments": Row(READERS, get=404, post=405),
    "segment-new": Row(WRITERS, get=200, post=200),
    "segment-edit": Row(READERS, get=404, post=404),
    "segment-archive": Row(WRITERS, get=405, post=404),
    "segment-restore": Row(WRITERS, get=405, post=404),
    "notice-list": Row(READERS, get=200, post=405),
    "notice-new": Row(OFFICER, get=200, post=422),
    "notice-wording": Row(READERS, get=404, post=405),
    "notice": Row(READERS, get=404, post=405),
    "notice-edit": Row(OFFICER, get=404, post=404),
    "notice-publish": Row(OFFICER, get=404, post=404),
    "notice-correct": Row(OFFICER, get=404, post=404),
    "notice-discard": Row(OFFICER, get=405, post=302),
    "purpose-list": Row(READERS, get=200, post=405),
    "purpose-new": Row(OFFICER, get=200, post=200),
    "rule-list": Row(READERS, get=200, post=405),
    "rule-change": Row(OFFICER, get=404, post=404),
    "purpose": Row(READERS, get=404, post=405),
    "purpose-edit": Row(OFFICER, get=404, post=404),
    "purpose-publish": Row(OFFICER, get=404, post=404),
    "purpose-discard": Row(OFFICER, get=405, post=404),
    "purpose-retire": Row(OFFICER, get=404, post=404),
    "purpose-bring-back": Row(OFFICER, get=405, post=404),
    "purpose-version": Row(READERS, get=404, post=405),
    "assessment": Row(READERS, get=404, post=405),
    "assessment-edit": Row(OFFICER, get=404, post=404),
    "assessment-approve": Row(OFFICER, get=404, post=404),
    "assessment-version": Row(READERS, get=404, post=405),
    "form-list": Row(EVERYBODY, get=200, post=405),
    "form-new": Row(FORMS, get=200, post=200),
    "form": Row(EVERYBODY, get=404, post=405),
    "form-edit": Row(FORMS, get=404, post=404),
    "form-retire": Row(FORMS, get=404, post=404),
    "form-publish": Row(FORMS, get=405, post=404),
    "form-preview": Row(EVERYBODY, get=404, post=405),
    "campaign-list": Row(READERS, get=200, post=405),
    "campaign-start": Row(CAMPAIGNERS, get=200, post=405),
    "campaign-new": Row(CAMPAIGNERS, get=200, post=200),
    "campaign-audience": Row(CAMPAIGNERS, get=404, post=405),
    "campaign": Row(READERS, get=404, post=405),
    "campaign-edit": Row(CAMPAIGNERS, get=404, post=404),
    "campaign-copy": Row(CAMPAIGNERS, get=405, post=404),
    "campaign-test": Row(CAMPAIGNERS, get=405, post=404),
    "campaign-launch": Row(CAMPAIGNERS, get=405, post=404),
    "campaign-preview": Row(READERS, get=404, post=405),
    "campaign-progress": Row(READERS, get=404, post=405),
    "campaign-pause": Row(CAMPAIGNERS, get=405, post=404),
    "campaign-resume": Row(CAMPAIGNERS, get=405, post=404),
    "campaign-public": Row(CAMPAIGNERS, get=405, post=404),
    "campaign-cancel": Row(CAMPAIGNERS, get=404, post=404),
    "campaign-proof": Row(PROVERS, get=404, post=405),
    "api-campaign-proof": Row(PROVERS, get=404, post=405),
    "template-list": Row(READERS, get=200, post=405),
    "template-new": Row(CAMPAIGNERS, get=200, post=200),
    "mail-preview": Row(CAMPAIGNERS, get=405, post=200),
    "mail-findings": Row(CAMPAIGNERS, get=405, post=200),
    "starter-preview": Row(READERS, get=404, post=405),
    "template-edit": Row(CAMPAIGNERS, get=404, post=404),
    "template-preview": Row(READERS, get=404, post=405),
    "template-archive": Row(CAMPAIGNERS, get=405, post=404),
    "template-restore": Row(CAMPAIGNERS, get=405, post=404),
}
