"""Staff pages of this app."""

from django.urls import URLPattern, URLResolver, path

from crm.accounts import enrolment, sign_in
from crm.officer import assessments, notices, purposes, rules
from crm.pages import account, contact, contacts, home, language, leads, proof, segments

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
        "contacts/<uuid:contact_id>/proof/<slug:purpose>/<slug:channel>",
        proof.contact_proof,
        name="contact-proof",
    ),
    path("leads/", leads.lead_list, name="lead-list"),
    path("leads/<uuid:lead_id>/state", leads.lead_state, name="lead-state"),
    path("leads/<uuid:lead_id>/assign", leads.lead_assign, name="lead-assign"),
    path("segments/", segments.segment_list, name="segment-list"),
    path("segments/new", segments.segment_new, name="segment-new"),
    path("segments/<uuid:segment_id>/", segments.segment_edit, name="segment-edit"),
    path("segments/<uuid:segment_id>/archive", segments.segment_archive, name="segment-archive"),
    path("segments/<uuid:segment_id>/restore", segments.segment_restore, name="segment-restore"),
    path("notices/", notices.notice_list, name="notice-list"),
    path("notices/new", notices.notice_new, name="notice-new"),
    path("notices/wording/<uuid:notice_id>/", notices.notice_wording, name="notice-wording"),
    path("notices/<slug:code>/", notices.notice_detail, name="notice"),
    path("notices/<slug:code>/edit", notices.notice_edit, name="notice-edit"),
    path("notices/<slug:code>/publish", notices.notice_publish, name="notice-publish"),
    path("notices/<slug:code>/correct", notices.notice_correct, name="notice-correct"),
    path("notices/<slug:code>/discard", notices.notice_discard, name="notice-discard"),
    path("purposes/", purposes.purpose_list, name="purpose-list"),
    path("purposes/new", purposes.purpose_new, name="purpose-new"),
    path("purposes/rules/", rules.rule_list, name="rule-list"),
    path("purposes/rules/<str:code>", rules.rule_change, name="rule-change"),
    path("purposes/<slug:code>/", purposes.purpose, name="purpose"),
    path("purposes/<slug:code>/edit", purposes.purpose_edit, name="purpose-edit"),
    path("purposes/<slug:code>/publish", purposes.purpose_publish, name="purpose-publish"),
    path("purposes/<slug:code>/discard", purposes.purpose_discard, name="purpose-discard"),
    path("purposes/<slug:code>/retire", purposes.purpose_retire, name="purpose-retire"),
    path("purposes/<slug:code>/bring-back", purposes.purpose_bring_back, name="purpose-bring-back"),
    path(
        "purposes/<slug:code>/versions/<int:version>",
        purposes.purpose_version,
        name="purpose-version",
    ),
    path("purposes/<slug:code>/assessment/", assessments.assessment, name="assessment"),
    path(
        "purposes/<slug:code>/assessment/edit", assessments.assessment_edit, name="assessment-edit"
    ),
    path(
        "purposes/<slug:code>/assessment/approve",
        assessments.assessment_approve,
        name="assessment-approve",
    ),
    path(
        "purposes/<slug:code>/assessment/<int:version>",
        assessments.assessment_version,
        name="assessment-version",
    ),
]
