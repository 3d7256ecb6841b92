"""What becomes of every table in the copy: counted and made anew, begun anew, or left empty.

The reviewed list; a table that it does not name fails a test.
"""

from enum import StrEnum


class Treatment(StrEnum):
    """How the rows of a table come to be in the copy."""

    MADE = "counted in the original, and made of people who do not exist"
    FOLLOWS = "comes with what is made: written by the product's own verbs"
    BEGUN = "the copy is an installation of its own and begins its own"
    EMPTY = "no use without the person, the browser or the moment it was of"


_M, _F, _B, _E = Treatment.MADE, Treatment.FOLLOWS, Treatment.BEGUN, Treatment.EMPTY

TREATMENTS: dict[str, dict[str, Treatment]] = {
    "crm": {
        **dict.fromkeys(
            (
                *("crm_contact", "crm_contacttag", "crm_lead", "crm_organisation", "crm_account"),
                *("crm_timelineentry", "crm_contactcampaign", "campaigns_delivery"),
                *("campaigns_campaign", "consent_ledgerevent", "consent_suppression"),
                *("consent_mailingpreference", "consent_subjectcard"),
            ),
            _M,
        ),
        **dict.fromkeys(
            (
                *("blob", "crm_tag", "consent_permission", "forms_intake_form"),
                *("forms_intake_formversion", "forms_intake_formpurpose"),
                *("campaigns_compiledcontent", "campaigns_statechange", "consent_notice"),
            ),
            _F,
        ),
        **dict.fromkeys(
            (
                *("consent_purpose", "consent_purposeversion", "consent_legalrule"),
                *("consent_balancingassessment", "consent_seal", "privacy_journalapplied"),
                *("django_migrations", "django_content_type", "auth_permission"),
            ),
            _B,
        ),
        **dict.fromkeys(
            (
                *("auth_group", "auth_group_permissions", "crm_account_groups"),
                *("crm_account_user_permissions", "crm_recoverycode", "django_session"),
                *("axes_accessattempt", "axes_accessattemptexpiration", "axes_accesslog"),
                *("axes_accessfailurelog", "otp_static_staticdevice", "otp_static_statictoken"),
                *("otp_totp_totpdevice", "privacy_approval", "consent_applieddecision"),
                "privacy_keydestruction",
                *("consent_confirmationrequest", "consent_draft", "consent_letterrequest"),
                *("consent_suppressionrekeying", "crm_contactmerge", "crm_importbatch"),
                *("crm_segment", "forms_intake_submission", "campaigns_template"),
                *(
                    "campaigns_audienceexclusion",
                    "campaigns_trackedlink",
                    *("campaigns_image", "campaigns_brand", "campaigns_savedblock"),
                    "campaigns_preflight",
                    "campaigns_campaignversion",
                    "campaigns_draftstate",
                ),
                *("campaigns_sequence", "campaigns_sequenceversion", "campaigns_sequencemail"),
                *("campaigns_sequencechange", "campaigns_sequencemember", "campaigns_stepmove"),
                *("campaigns_enrolment", "campaigns_enrolmentchange"),
                "campaigns_colleaguenotice",
                *("campaigns_launchplan", "campaigns_comparison", "campaigns_round"),
                *("crm_accountevent", "crm_export", "crm_exportdownload", "crm_numbershown"),
                "crm_numberchange",
                *("campaigns_relay", "campaigns_relaychange", "campaigns_relayallowance"),
                *("campaigns_relayslot", "campaigns_mailservicelimit", "campaigns_senderrefusal"),
                *("crm_supportticket", "privacy_accessrecord", "privacy_readmeter"),
                *("campaigns_measuredmessage", "crm_enrolmentkey", "crm_staffsession"),
                *("campaigns_measuredclick", "campaigns_campaignresult"),
                *("crm_leadnote", "crm_leadreminder", "crm_notification", "crm_scorerule"),
                *("crm_contactscore", "crm_webhookendpoint", "crm_webhookevent"),
                *("crm_webhookcall", "crm_webhookattempt"),
                *("campaigns_outgoingmessage", "campaigns_replytemplate"),
                *("campaigns_return", "campaigns_returnpart", "campaigns_softbounce"),
                *("campaigns_transactionalmessage", "campaigns_transactionaltemplate"),
                "campaigns_transactionalversion",
                "campaigns_webhooktoken",
                *("crm_signin", "crm_securityevent", "crm_apitoken", "crm_apitokenuse"),
                *(
                    "django_otp_webauthn_webauthncredential",
                    "django_otp_webauthn_webauthnuserhandle",
                ),
                "django_otp_webauthn_webauthnattestation",
            ),
            _E,
        ),
    },
    "vault": {
        "dek": _F,
        "bidx": _F,
        **dict.fromkeys(
            (
                *("privacy_vaultinstance", "privacy_sealingkeypair", "privacy_keyepoch"),
                "django_migrations",
            ),
            _B,
        ),
        **dict.fromkeys(
            ("privacy_orphankey", "privacy_removedkey", "privacy_lostkey", "privacy_indexepoch"), _E
        ),
    },
    "intake": {
        "forms_intake_publishedform": _F,
        **dict.fromkeys(("privacy_sealingpublickey", "django_migrations"), _B),
        **dict.fromkeys(
            (
                *("privacy_envelope", "consent_preferencecard", "consent_publicreceipt"),
                "campaigns_publishedissue",
                *("campaigns_publishedlink", "campaigns_publishedimage"),
            ),
            _E,
        ),
    },
}


def made_tables() -> list[str]:
    """Return the tables of crm whose volumes the copy has to match."""
    return sorted(table for table, each in TREATMENTS["crm"].items() if each == Treatment.MADE)
