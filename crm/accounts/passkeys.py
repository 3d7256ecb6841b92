"""Passkeys: a second factor that a false sign-in page cannot ask for (WebAuthn level 3).

They come after the password, never instead of it (docs/decisions, 2026-11-24).
"""

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django_otp import devices_for_user
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential
from webauthn import base64url_to_bytes, verify_authentication_response
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import UserVerificationRequirement

from crm.accounts.security_events import Kind, record_event
from crm.models import Account

NAME_MAX = 60
PASSKEYS_MAX = 10
State = dict[str, Any]


class PasskeyRefused(Exception):
    """The passkey's answer does not belong to this question, this account or this address."""


class PasskeyCopied(PasskeyRefused):
    """The passkey's counter went back: somebody may have a copy of it."""


class TooManyPasskeys(Exception):
    """An account has ten passkeys at most."""


class LastFactor(Exception):
    """It is the account's only second factor, and stays."""


class Ceremony(WebAuthnHelper):  # type: ignore[misc]
    """The library's ceremonies, with the person shown to be there each time (a PIN, a finger)."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)

    def get_generate_registration_options_kwargs(self, *, user: Account) -> dict[str, Any]:
        options: dict[str, Any] = super().get_generate_registration_options_kwargs(user=user)
        options["authenticator_selection"].user_verification = UserVerificationRequirement.REQUIRED
        return options


def are_possible() -> bool:
    """Say whether the staff side's address can have passkeys: a name, over TLS or this machine."""
    host = str(settings.OTP_WEBAUTHN_RP_ID)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and (settings.IS_HTTPS or host == "localhost")
    return False


def passkeys_of(account: Account) -> Sequence[WebAuthnCredential]:
    return list(WebAuthnCredential.objects.filter(user=account, confirmed=True).order_by("id"))


def has_passkey(account: Account) -> bool:
    """Say whether the account may be asked for a passkey here."""
    found = WebAuthnCredential.objects.filter(user=account, confirmed=True)
    return are_possible() and bool(found.exists())


def has_factor(account: Account) -> bool:
    """Say whether the account has a second factor of any kind."""
    return any(devices_for_user(account))


def begin_registration(*, account: Account) -> tuple[dict[str, Any], State]:
    """Return what the browser is asked, and what to keep for its answer.

    Raises TooManyPasskeys.
    """
    if len(passkeys_of(account)) >= PASSKEYS_MAX:
        raise TooManyPasskeys(TooManyPasskeys.__doc__)
    question, state = Ceremony().register_begin(user=account)
    return question, state


@transaction.atomic
def register_passkey(
    *, account: Account, state: State, answer: Mapping[str, Any], name: str, now: datetime
) -> WebAuthnCredential:
    """Keep a new passkey of the account; raises PasskeyRefused. Each state serves once."""
    try:
        device = Ceremony().register_complete(user=account, state=state, data=dict(answer))
    except (WebAuthnException, OTPWebAuthnApiError) as refusal:
        raise PasskeyRefused(PasskeyRefused.__doc__) from refusal
    device.name = name[:NAME_MAX]
    device.save(update_fields=["name"])
    record_event(
        Kind.PASSKEY_ADDED, now=now, account_id=account.pk, reference={"passkey": device.pk}
    )
    return device


def begin_check(*, account: Account) -> tuple[dict[str, Any], State]:
    """Return what the browser is asked, with the account's own passkeys in it, and the state."""
    question, state = Ceremony().authenticate_begin(user=account, require_user_verification=True)
    return question, state


def check_passkey(
    *, account: Account, state: State, answer: Mapping[str, Any], now: datetime
) -> WebAuthnCredential:
    """Return the account's passkey that answered; raises PasskeyRefused and PasskeyCopied.

    Not safe twice with the same state: whoever calls must have forgotten it before.
    """
    try:
        with transaction.atomic():
            return _checked(account, state, answer, now)
    except (WebAuthnException, OTPWebAuthnApiError) as refusal:
        raise PasskeyRefused(PasskeyRefused.__doc__) from refusal
    except PasskeyCopied as refusal:  # outside of the transaction that it ended
        passkey: int = refusal.args[1]
        record_event(
            Kind.PASSKEY_COPIED, now=now, account_id=account.pk, reference={"passkey": passkey}
        )
        raise


def _checked(
    account: Account, state: State, answer: Mapping[str, Any], now: datetime
) -> WebAuthnCredential:
    credential = parse_authentication_credential_json(dict(answer))
    digest = WebAuthnCredential.get_credential_id_sha256(credential.raw_id)
    mine = WebAuthnCredential.objects.select_for_update().filter(user=account, confirmed=True)
    device = mine.filter(credential_id_sha256=digest).first()
    if device is None:
        raise PasskeyRefused(PasskeyRefused.__doc__)
    verified = verify_authentication_response(
        credential=credential,
        # The library compares before it looks at the signature, and a forged counter is no sign
        # of a copy: the counter is compared below.
        credential_current_sign_count=0,
        credential_public_key=device.public_key,
        expected_challenge=base64url_to_bytes(state["challenge"]),
        expected_rp_id=settings.OTP_WEBAUTHN_RP_ID,
        expected_origin=settings.OTP_WEBAUTHN_ALLOWED_ORIGINS,
        require_user_verification=True,
    )
    # WebAuthn level 3, 6.1.1: a counter that does not move on may be a copy's. Passkeys that are
    # kept in several devices never count, and stay at 0.
    if device.sign_count and verified.new_sign_count <= device.sign_count:
        raise PasskeyCopied(PasskeyCopied.__doc__, device.pk)
    device.sign_count = verified.new_sign_count
    device.backup_state = verified.credential_backed_up
    device.last_used_at = now
    device.save(update_fields=["sign_count", "backup_state", "last_used_at"])
    return device


@transaction.atomic
def remove_passkey(*, account: Account, passkey_id: int, now: datetime) -> None:
    """Remove a passkey; a session that rests on it needs its second factor again.

    Raises LastFactor, and WebAuthnCredential.DoesNotExist for another account's or when repeated.
    """
    Account.objects.select_for_update().get(pk=account.pk)
    device = WebAuthnCredential.objects.get(pk=passkey_id, user=account)
    if not [other for other in devices_for_user(account) if other != device]:
        raise LastFactor(LastFactor.__doc__)
    device.delete()
    record_event(
        Kind.PASSKEY_REMOVED, now=now, account_id=account.pk, reference={"passkey": passkey_id}
    )
