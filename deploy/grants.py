"""Who may do what to which table: the reviewed list, applied after every migration.

A table that no rule names fails the house test and gets no grant at all.
"""

from collections.abc import Iterable

import psycopg
from psycopg import sql

READ = frozenset({"SELECT"})
APPEND = frozenset({"SELECT", "INSERT"})
WRITE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
KEEP = frozenset({"SELECT", "INSERT", "UPDATE"})  # everything but destroying
DROP_IN = frozenset({"INSERT"})

Rule = dict[str, frozenset[str]]
STAFF_AND_WORKER: Rule = {"accord_staff": WRITE, "accord_worker": WRITE}
# All that the search reads in crm: neither accounts nor consent.
SEARCHED: Rule = {**STAFF_AND_WORKER, "accord_search": READ}
EVIDENCE: Rule = {"accord_staff": APPEND, "accord_worker": APPEND}
INTERNAL: Rule = {}  # migrations only

_CRM_TABLES = frozenset(
    {
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "axes_accessattempt",
        "axes_accessattemptexpiration",
        "axes_accessfailurelog",
        "axes_accesslog",
        "blob",
        "campaigns_audienceexclusion",
        "campaigns_brand",
        "campaigns_campaign",
        "campaigns_campaignresult",
        "campaigns_campaignversion",
        "campaigns_comparison",
        "campaigns_compiledcontent",
        "campaigns_colleaguenotice",
        "campaigns_delivery",
        "campaigns_measuredclick",
        "campaigns_enrolment",
        "campaigns_draftstate",
        "campaigns_measuredmessage",
        "campaigns_outgoingmessage",
        "campaigns_replytemplate",
        "campaigns_sequence",
        "campaigns_sequencemail",
        "campaigns_sequencemember",
        "campaigns_sequenceversion",
        "campaigns_image",
        "campaigns_preflight",
        "campaigns_savedblock",
        "campaigns_launchplan",
        "campaigns_round",
        "campaigns_mailservicelimit",
        "campaigns_relay",
        "campaigns_relayallowance",
        "campaigns_relayslot",
        "campaigns_senderrefusal",
        "campaigns_statechange",
        "campaigns_stepmove",
        "campaigns_template",
        "campaigns_trackedlink",
        "campaigns_transactionalmessage",
        "campaigns_transactionaltemplate",
        "campaigns_transactionalversion",
        "consent_applieddecision",
        "consent_confirmationrequest",
        "consent_draft",
        "consent_letterrequest",
        "consent_mailingpreference",
        "consent_permission",
        "consent_purpose",
        "consent_subjectcard",
        "consent_suppression",
        "consent_suppressionrekeying",
        "crm_account",
        "crm_apitoken",
        "crm_account_groups",
        "crm_account_user_permissions",
        "crm_contact",
        "crm_contactcampaign",
        "crm_contactscore",
        "crm_contacttag",
        "crm_enrolmentkey",
        "crm_importbatch",
        "crm_lead",
        "crm_leadnote",
        "crm_leadreminder",
        "crm_notification",
        "crm_scorerule",
        "crm_webhookattempt",
        "crm_webhookcall",
        "crm_webhookendpoint",
        "crm_webhookevent",
        "crm_organisation",
        "crm_recoverycode",
        "crm_segment",
        "crm_staffsession",
        "crm_tag",
        "django_content_type",
        "django_otp_webauthn_webauthnattestation",
        "django_otp_webauthn_webauthncredential",
        "django_otp_webauthn_webauthnuserhandle",
        "forms_intake_form",
        "forms_intake_formpurpose",
        "forms_intake_formversion",
        "forms_intake_submission",
        "otp_static_staticdevice",
        "otp_static_statictoken",
        "otp_totp_totpdevice",
        "privacy_journalapplied",
    }
)
# What is evidence is written once: GDPR 5(2) and 7(1) ask us to demonstrate.
_EVIDENCE_TABLES = frozenset(
    {
        "campaigns_relaychange",
        "consent_balancingassessment",
        "consent_ledgerevent",
        "consent_legalrule",
        "consent_notice",
        "consent_purposeversion",
        "consent_seal",
        "crm_accountevent",
        "crm_contactmerge",
        "privacy_keydestruction",
        "crm_numberchange",
        "crm_numbershown",
    }
)

GRANTS: dict[str, dict[str, Rule]] = {
    "crm": {
        "django_migrations": INTERNAL,
        # Django's own sessions: not in use, ours are sealed (crm_staffsession).
        "django_session": INTERNAL,
        **dict.fromkeys(_CRM_TABLES, STAFF_AND_WORKER),
        **dict.fromkeys(_EVIDENCE_TABLES, EVIDENCE),
        **dict.fromkeys(("blob", "crm_contact"), SEARCHED),
        # Asked, decided and used; never taken back.
        "privacy_approval": {"accord_staff": KEEP, "accord_worker": KEEP},
        # Who read whom; the worker lets go of what is older than a year, as the trigger allows.
        "privacy_accessrecord": {
            "accord_staff": APPEND,
            "accord_worker": frozenset({"SELECT", "INSERT", "DELETE"}),
        },
        "privacy_readmeter": {"accord_staff": KEEP, "accord_worker": WRITE},
        # Opened and closed; never unmade.
        "crm_supportticket": {"accord_staff": KEEP, "accord_worker": KEEP},
        # What happened at the door: written by staff, forgotten after six months by the worker.
        "crm_securityevent": {"accord_staff": APPEND, "accord_worker": WRITE},
        "crm_apitokenuse": {"accord_staff": APPEND, "accord_worker": WRITE},
        "crm_signin": {"accord_staff": KEEP, "accord_worker": WRITE},
        # Asked, made, downloaded and ended; that it was is never taken back.
        "crm_export": {"accord_staff": KEEP, "accord_worker": KEEP},
        "crm_exportdownload": {"accord_staff": KEEP, "accord_worker": READ},
        # What staff did with sequences, and with people in them: only ever added to.
        "campaigns_enrolmentchange": EVIDENCE,
        "campaigns_sequencechange": EVIDENCE,
        # What came back: taken in by the worker; staff say that they have looked.
        "campaigns_return": {
            "accord_staff": frozenset({"SELECT", "UPDATE"}),
            "accord_worker": WRITE,
        },
        "campaigns_returnpart": {"accord_worker": WRITE},
        "campaigns_softbounce": {"accord_worker": WRITE},
        "campaigns_webhooktoken": {"accord_worker": WRITE},
        # The worker moves the timeline of whoever was merged.
        "crm_timelineentry": {"accord_staff": APPEND, "accord_worker": KEEP},
    },
    "vault": {
        "django_migrations": INTERNAL,
        "privacy_vaultinstance": {
            "accord_staff": READ,
            "accord_worker": READ,
            "accord_search": READ,
        },
        # Destroying keys is erasure: the worker's act alone, after the journal.
        "dek": {"accord_staff": KEEP, "accord_worker": WRITE, "accord_search": READ},
        "bidx": {"accord_staff": WRITE, "accord_worker": WRITE},
        "privacy_indexepoch": {"accord_staff": READ, "accord_worker": KEEP},
        "privacy_sealingkeypair": {"accord_worker": WRITE},
        # The life of keys is the worker's; a key that staff write with is no orphan any more.
        "privacy_keyepoch": {"accord_staff": READ, "accord_worker": KEEP},
        "privacy_orphankey": {
            "accord_staff": frozenset({"SELECT", "DELETE"}),
            "accord_worker": WRITE,
        },
        "privacy_removedkey": {"accord_worker": WRITE},
        "privacy_lostkey": {"accord_staff": READ, "accord_worker": WRITE},
    },
    "intake": {
        "django_migrations": INTERNAL,
        # The public side drops envelopes in and can read nothing back.
        # So does whoever takes in the mail that comes back, and no more than that.
        "privacy_envelope": {
            "accord_public": DROP_IN,
            "accord_returns": DROP_IN,
            "accord_worker": WRITE,
        },
        "privacy_sealingpublickey": {
            "accord_public": READ,
            "accord_returns": READ,
            "accord_worker": WRITE,
        },
        "consent_preferencecard": {"accord_public": READ, "accord_worker": WRITE},
        "consent_publicreceipt": {"accord_public": READ, "accord_worker": WRITE},
        "campaigns_publishedissue": {"accord_public": READ, "accord_worker": WRITE},
        "campaigns_publishedimage": {"accord_public": READ, "accord_worker": WRITE},
        "campaigns_publishedlink": {"accord_public": READ, "accord_worker": WRITE},
        "forms_intake_publishedform": {"accord_public": READ, "accord_worker": WRITE},
    },
}


def _roles(rules: Iterable[Rule]) -> list[str]:
    return sorted({role for rule in rules for role in rule})


def tables(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row[0] for row in rows}


def apply_grants(connection: psycopg.Connection, *, zone: str) -> None:
    """Make the privileges on the tables of `zone` exactly the reviewed ones; safe to repeat."""
    rules = GRANTS[zone]
    for role in _roles(rules.values()):
        name = sql.Identifier(role)
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
        connection.execute(
            sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name)
        )
        if role not in ("accord_public", "accord_returns"):
            connection.execute(
                sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(name)
            )
    for table in sorted(tables(connection) & rules.keys()):
        for role, privileges in rules[table].items():
            connection.execute(
                sql.SQL("GRANT {} ON {} TO {}").format(
                    sql.SQL(", ").join(map(sql.SQL, sorted(privileges))),
                    sql.Identifier(table),
                    sql.Identifier(role),
                )
            )


def effective_grants(connection: psycopg.Connection) -> dict[str, Rule]:
    """Return what the catalogue says: table -> role -> privileges, for our roles."""
    rows = connection.execute(
        "SELECT table_name, grantee, privilege_type FROM information_schema.table_privileges"
        " WHERE table_schema = 'public' AND grantee LIKE 'accord%%' AND grantee <> %s",
        ["accord_owner"],
    )
    found: dict[str, dict[str, set[str]]] = {}
    for table, role, privilege in rows:
        found.setdefault(table, {}).setdefault(role, set()).add(privilege)
    return {t: {r: frozenset(p) for r, p in roles.items()} for t, roles in found.items()}
