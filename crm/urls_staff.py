"""Staff pages of this app."""

from django.urls import URLPattern, URLResolver, path

from crm.accounts import enrolment, sign_in
from crm.officer import addresses
from crm.pages import account, calls, contact, contacts, home, language, leads, record, segments

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("language", language.language, name="language"),
    path("sign-in", sign_in.username, name="sign-in"),
    path("sign-in/password", sign_in.password, name="sign-in-password"),
    path("sign-in/code", sign_in.code, name="sign-in-code"),
    path("sign-in/recovery-code", sign_in.recovery_code, name="sign-in-recovery-code"),
    path("sign-in/authenticator", enrolment.authenticator, name="sign-in-authenticator"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("account/", account.account, name="account"),
    path("account/password", account.change_password, name="change-password"),
    path("account/authenticator", account.replace_authenticator, name="replace-authenticator"),
    path("account/recovery-codes", account.renew_recovery_codes, name="renew-recovery-codes"),
    path("contacts/", contacts.contact_list, name="contact-list"),
    path("contacts/find", contacts.contact_find, name="contact-find"),
    path("contacts/<uuid:contact_id>/", contact.contact, name="contact"),
    path("contacts/<uuid:contact_id>/status", contact.contact_status, name="contact-status"),
    path("contacts/<uuid:contact_id>/tag", contact.contact_tag, name="contact-tag"),
    path("contacts/<uuid:contact_id>/untag", contact.contact_untag, name="contact-untag"),
    path("contacts/<uuid:contact_id>/no", contact.contact_no, name="contact-no"),
    path(
        "contacts/<uuid:contact_id>/records/<uuid:record_id>",
        record.contact_record,
        name="contact-record",
    ),
    path(
        "api/v1/contacts/<uuid:contact_id>/permissions",
        record.contact_permissions,
        name="contact-permissions",
    ),
    path("officer/address", addresses.ask_address, name="ask-address"),
    path("leads/", leads.lead_list, name="lead-list"),
    path("leads/<uuid:lead_id>/state", leads.lead_state, name="lead-state"),
    path("leads/<uuid:lead_id>/assign", leads.lead_assign, name="lead-assign"),
    path("calls/", calls.calls, name="call-list"),
    path("calls/<uuid:contact_id>/called", calls.call_made, name="call-made"),
    path("calls/<uuid:contact_id>/no", calls.call_refused, name="call-refused"),
    path("segments/", segments.segment_list, name="segment-list"),
    path("segments/new", segments.segment_new, name="segment-new"),
    path("segments/<uuid:segment_id>/", segments.segment_edit, name="segment-edit"),
    path("segments/<uuid:segment_id>/archive", segments.segment_archive, name="segment-archive"),
    path("segments/<uuid:segment_id>/restore", segments.segment_restore, name="segment-restore"),
]
