"""What every field that can hold words holds: a new one that is not declared here fails.

Everything that identifies a person outside the company is in a sealed blob. What is in clear is a
reviewed list: this one.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.db import models


class Holds(StrEnum):
    """What a field holds, from the least to the most sensitive."""

    CODE = "a word of a closed list, or a technical value"
    REFERENCE = "ids and codes, never words about a person"
    PUBLISHED = "words that the company writes for others to read"
    FACET = "a reviewed trait of a contact, for segments"
    STAFF = "a pseudonym, address or secret of a member of staff"
    SEALED = "ciphertext, or a digest that needs a key"


_WORDS = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.BinaryField,
    models.GenericIPAddressField,
    models.FileField,
)
_C, _R, _P, _F = Holds.CODE, Holds.REFERENCE, Holds.PUBLISHED, Holds.FACET
_S, _X = Holds.STAFF, Holds.SEALED

FIELDS: dict[str, dict[str, Holds]] = {
    "campaigns.Template": {"name": _P, "language": _C, "mjml": _P, "blocks": _P},
    "campaigns.Campaign": {
        **dict.fromkeys(("name", "subject", "preheader", "mjml", "blocks"), _P),
        **dict.fromkeys(("sender_name", "sender_address", "reply_to"), _P),
        **dict.fromkeys(("state", "mode", "language", "halted_reason"), _C),
    },
    "campaigns.CampaignVersion": {
        **dict.fromkeys(("subject", "preheader", "mjml", "blocks"), _P),
        "language": _C,
    },
    "campaigns.DraftState": dict.fromkeys(("subject", "preheader", "mjml", "blocks"), _P),
    "campaigns.CompiledContent": {
        **dict.fromkeys(("html", "text", "subject"), _P),
        **dict.fromkeys(("fields", "language"), _C),
    },
    "campaigns.Image": {
        **dict.fromkeys(("name", "alt", "large", "small"), _P),
        **dict.fromkeys(("token", "extension", "digest"), _C),
    },
    "campaigns.PublishedImage": {"name_hash": _X, "extension": _C, "content": _P},
    "campaigns.Brand": {
        **dict.fromkeys(("code", "name", "footer_fr", "footer_en"), _P),
        **dict.fromkeys(("sender_name", "sender_address", "reply_to"), _P),
        **dict.fromkeys(("main_colour", "band_colour", "page_colour", "text_colour"), _C),
        **dict.fromkeys(("font", "heading_font"), _C),
    },
    "campaigns.SavedBlock": {"name": _P, "mjml": _P},
    "campaigns.Preflight": {"state": _C, "findings": _P},
    "campaigns.AudienceExclusion": {"reason": _C},
    "campaigns.StateChange": dict.fromkeys(("from_state", "to_state", "reason"), _C),
    "campaigns.LaunchPlan": {"refusal_reason": _C},
    "campaigns.Comparison": dict.fromkeys(("rule", "outcome", "tally"), _C),
    "campaigns.TrackedLink": {"url": _P},
    "campaigns.CampaignResult": {"figures": _C},
    "campaigns.PublishedIssue": {
        **dict.fromkeys(("subject", "summary", "html", "text"), _P),
        "language": _C,
    },
    "campaigns.PublishedLink": {"link_hash": _X, "url": _P},
    "campaigns.ReplyTemplate": {**dict.fromkeys(("name", "subject", "text"), _P), "language": _C},
    "campaigns.OutgoingMessage": {"language": _C, "sealed": _X},
    "campaigns.Sequence": {"name": _P, "state": _C},
    # The address of a colleague is in a step that writes to them.
    "campaigns.SequenceVersion": {
        "definition": _S,
        **dict.fromkeys(("trigger_kind", "trigger_code"), _C),
    },
    "campaigns.SequenceMail": {"step": _C},
    "campaigns.SequenceChange": dict.fromkeys(("from_state", "to_state"), _C),
    "campaigns.Enrolment": dict.fromkeys(("step", "state", "reason", "occurrence"), _C),
    "campaigns.EnrolmentChange": dict.fromkeys(("what", "step"), _C),
    "campaigns.StepMove": {"step": _C},
    "campaigns.ColleagueNotice": {"address": _S, "mail_state": _C},
    "campaigns.Relay": {
        **dict.fromkeys(("code", "state", "failure"), _C),
        "sender_domains": _P,
        "address_print": _X,
    },
    "campaigns.RelayChange": {
        **dict.fromkeys(("relay_code", "service", "what"), _C),
        "detail": _R,
    },
    # A service is of the reviewed list, never the domain of somebody's own.
    "campaigns.MailServiceLimit": {"service": _C},
    "campaigns.RelayAllowance": {"service": _C, "used": _R},
    "campaigns.RelaySlot": {"worker": _C},
    "campaigns.SenderRefusal": {"sender_domain": _P},
    "campaigns.Return": dict.fromkeys(("source", "kind", "why", "status", "attribution"), _C),
    "campaigns.ReturnPart": {"source": _C},
    "campaigns.TransactionalTemplate": {
        "name": _P,
        **dict.fromkeys(("code", "ground", "variables"), _C),
    },
    "campaigns.TransactionalVersion": {
        **dict.fromkeys(("subject", "text", "mjml"), _P),
        "language": _C,
    },
    "campaigns.TransactionalMessage": {"ground": _C, "body_mark": _X, "reference": _R},
    "campaigns.Delivery": dict.fromkeys(("worker", "reason", "evidence", "relay"), _C),
    "forms_intake.Form": {"code": _C, "name": _P},
    "forms_intake.FormVersion": {
        **dict.fromkeys(("texts", "allowed_origins", "redirect_url"), _P),
        **dict.fromkeys(("fields", "notice_code", "audience"), _C),
    },
    "forms_intake.FormPurpose": {"channel": _C, "basis": _C, "control_texts": _P},
    "forms_intake.Submission": {"language": _F},
    "forms_intake.PublishedForm": {"code": _C, "document": _P},
    "crm.Account": {"password": _S, "username": _S, "role": _C, "language": _C},
    "crm.RecoveryCode": {"code_hash": _S},
    "crm.AccountEvent": {"what": _C, "detail": _C},
    "crm.SupportTicket": {"reference": _R},
    "crm.EnrolmentKey": {"key_hash": _S},
    "crm.StaffSession": {
        **dict.fromkeys(("session_key", "session_data", "network", "browser"), _S),
    },
    "crm.SignIn": {"factor": _C, **dict.fromkeys(("network_print", "browser_print"), _S)},
    "crm.SecurityEvent": {
        **dict.fromkeys(("name_print", "network_print"), _S),
        "kind": _C,
        "reference": _R,
    },
    "crm.ApiToken": {"name": _S, "sha256": _S, "scopes": _C, "networks": _S},
    "crm.ApiTokenUse": {"scope": _C, "reference": _R},
    "crm.Organisation": {"country": _F},
    "crm.NumberShown": {"reason": _C},
    "crm.NumberChange": {"what": _C, "last_four": _R},
    "crm.Contact": dict.fromkeys(("language", "country", "status", "source"), _F),
    "crm.Tag": {"slug": _C, "title": _P},
    "crm.Lead": {"form_code": _C, "state": _C},
    "crm.LeadNote": {"sealed": _X},
    "crm.Notification": {"kind": _C, "reference": _R, "cause": _R},
    "crm.ScoreRule": {"name": _P, "rules": _R},
    "crm.ContactScore": {"parts": _R, "refusal": _C},
    "crm.WebhookEndpoint": {
        **dict.fromkeys(("name", "url"), _P),
        **dict.fromkeys(("kinds", "disabled_reason"), _C),
        **dict.fromkeys(("secret", "old_secret"), _X),
    },
    "crm.WebhookEvent": {"kind": _C, "ids": _R},
    "crm.WebhookCall": {"state": _C},
    "crm.WebhookAttempt": {"failure": _C},
    "crm.TimelineEntry": {"kind": _C, "reference": _R},
    "crm.ImportBatch": {
        "source": _P,
        "file_sha256": _X,
        "refusals": _R,
        **dict.fromkeys(("channel", "notice_code"), _C),
    },
    "crm.Export": {
        **dict.fromkeys(("scope", "channel", "reason", "columns"), _C),
        **dict.fromkeys(("scope_id", "rules", "left_out"), _R),
    },
    "crm.ExportDownload": {"ref": _C, "canary": _C, "sha256": _X},
    "crm.Segment": {"name": _P, "description": _P, "rules": _R},
    "consent.Purpose": {
        **dict.fromkeys(("code", "iri", "more_iris", "data_categories", "bases", "channels"), _C),
        **dict.fromkeys(("title_fr", "title_en", "description_fr", "description_en"), _P),
        **dict.fromkeys(("recipients_fr", "recipients_en"), _P),
    },
    "consent.PurposeVersion": {"document": _P, "sha256": _C},
    "consent.Draft": {"kind": _C, "code": _C, "document": _P},
    "consent.LegalRule": {"code": _C, "value": _C, "source": _P},
    "consent.BalancingAssessment": {
        **dict.fromkeys(("interest", "necessity", "balance", "b2b_relevance", "conclusion"), _P),
        **dict.fromkeys(("expectations", "safeguards"), _P),
        **dict.fromkeys(("outcome", "audience"), _C),
    },
    "consent.Notice": {
        **dict.fromkeys(("code", "kind", "language", "sha256"), _C),
        **dict.fromkeys(("text", "document"), _P),
    },
    "consent.LedgerEvent": {
        **dict.fromkeys(("schema_version", "channel", "basis", "event_state", "event_type"), _C),
        **dict.fromkeys(("indicated_by", "method", "form_code", "language"), _C),
        **dict.fromkeys(("notice_sha256", "control_text_sha256", "entry_hash"), _C),
        "source": _P,
        "evidence": _X,
    },
    "consent.Seal": {"root": _C, "checkpoint": _C},
    "consent.Permission": dict.fromkeys(("channel", "state", "basis"), _C),
    "consent.Suppression": {"fingerprint": _X, "purpose_code": _C, "reason": _C},
    "consent.ConfirmationRequest": {
        **dict.fromkeys(("address_fingerprint", "domain_fingerprint"), _X),
        "language": _F,
    },
    "consent.LetterRequest": {"kind": _C, "address_fingerprint": _X, "language": _F},
    "consent.AppliedDecision": {"outcome": _C},
    # States of a person under a random name, and the notices they saw; who it is, nobody on the
    # public side can tell.
    "consent.PreferenceCard": {"card_hash": _X, "document": _R},
    "consent.PublicReceipt": {"key_hash": _X, "document": _R},
    "privacy.DataKey": {"wrapped": _X},
    "privacy.KeyEpoch": {"reason": _C, "file_sha256": _X},
    "privacy.KeyDestruction": {"kind": _C, "file_sha256": _X},
    "privacy.SealingKeyPair": {"public": _C, "private_wrapped": _X},
    "privacy.Blob": {"body": _X},
    "privacy.JournalApplied": {"applied_hash": _C},
    "privacy.Approval": {"kind": _C, "reference": _R},
    "privacy.AccessRecord": {"why": _C, "reference": _R},
    "privacy.SealingPublicKey": {"public": _C},
    "privacy.Envelope": {"kind": _C, "context": _C, "sealed": _X, "failure": _C},
    "otp_totp.TOTPDevice": {"name": _S, "key": _S},
    "otp_static.StaticDevice": {"name": _S},
    "otp_static.StaticToken": {"token": _S},
    "django_otp_webauthn.WebAuthnCredential": {
        **dict.fromkeys(("name", "credential_id", "credential_id_sha256", "public_key"), _S),
        **dict.fromkeys(("credential_type", "transports", "aaguid"), _C),
    },
    "django_otp_webauthn.WebAuthnAttestation": {
        "fmt": _C,
        **dict.fromkeys(("data", "client_data_json"), _S),
    },
    "django_otp_webauthn.WebAuthnUserHandle": {"handle_hex": _S},
    "axes.AccessFailureLog": dict.fromkeys(
        ("user_agent", "ip_address", "username", "http_accept", "path_info"), _S
    ),
    "axes.AccessAttempt": dict.fromkeys(
        (
            *("user_agent", "ip_address", "username", "http_accept", "path_info"),
            *("get_data", "post_data"),
        ),
        _S,
    ),
    "axes.AccessLog": dict.fromkeys(
        ("user_agent", "ip_address", "username", "http_accept", "path_info", "session_hash"), _S
    ),
    "auth.Permission": {"name": _C, "codename": _C},
    "auth.Group": {"name": _C},
    "contenttypes.ContentType": {"app_label": _C, "model": _C},
    "sessions.Session": {"session_key": _S, "session_data": _S},
}


def _present() -> set[tuple[str, str]]:
    return {
        (model._meta.label, field.name)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if isinstance(field, _WORDS)
    }


def unclassified(
    app_configs: Sequence[AppConfig] | None, **_more: Any
) -> list[checks.CheckMessage]:
    """The system check: a field without a declaration, or a declaration without its field."""
    present = _present()
    declared = {(label, name) for label, fields in FIELDS.items() for name in fields}
    missing = [
        checks.Error(
            f"{label}.{name} can hold words, and nobody has said which.",
            hint="Declare it in deploy/classification.py; what identifies a person is sealed.",
            id="accord.E001",
        )
        for label, name in sorted(present - declared)
    ]
    gone = [
        checks.Error(f"{label}.{name} is declared and not there.", id="accord.E002")
        for label, name in sorted(declared - present)
    ]
    return [*missing, *gone]
