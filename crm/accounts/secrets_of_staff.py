"""The secrets of second factors, as the inventory of keys lists them: a number, never a secret."""

from django_otp.plugins.otp_totp.models import TOTPDevice

from privacy.services import KeyRecord


def records() -> list[KeyRecord]:
    return [
        KeyRecord(
            name=f"{TOTPDevice.objects.count()} authenticator secrets",
            purpose="second factor of members of staff",
            kind="symmetric authentication key",
            algorithm="HMAC-SHA-1 (RFC 6238)",
            bits=160,
            state="active",
            made="at the account's first sign-in",
            cryptoperiod="as long as the account",
            destroyed="when another authenticator takes its place",
            kept="otp_totp_totpdevice in crm, and the person's device",
            wrapped_by="nothing",
            holder="the person, and the database",
            lost_with_it="that person signs in with a recovery code",
        )
    ]
