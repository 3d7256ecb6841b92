"""The second factor: the authenticator application, and the recovery codes for a lost telephone."""

import re
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm.accounts.security_events import Kind, record_event
from crm.models import Account, RecoveryCode

ISSUER = "Accord"
RECOVERY_CODES = 10
# No I, L, O, U, 0 or 1: a code is read from paper. 12 of 30 letters are 58 bits, hashed with
# Argon2 and guessed at the pace of the authenticator's throttle (ASVS 5.0 6.5.2).
_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_GROUPS = 3


class WrongCode(Exception):
    """The code is not the one expected now, or it was used already."""


class TooManyCodes(Exception):
    """Too many wrong codes; the next one is looked at after `retry_at`."""

    def __init__(self, retry_at: datetime | None) -> None:
        super().__init__("Too many wrong codes.")
        self.retry_at = retry_at


@dataclass(frozen=True)
class Secret:
    """What an authenticator application is given once."""

    hexadecimal: str

    @property
    def letters(self) -> str:
        return b32encode(bytes.fromhex(self.hexadecimal)).decode().rstrip("=")

    @property
    def grouped(self) -> str:
        return " ".join(re.findall(".{1,4}", self.letters))

    def address(self, *, username: str) -> str:
        """Return the otpauth:// address that the QR code holds."""
        query = urlencode({"secret": self.letters, "issuer": ISSUER, "digits": 6, "period": 30})
        return f"otpauth://totp/{quote(f'{ISSUER}:{username}')}?{query}"


def new_secret() -> Secret:
    return Secret(secrets.token_hex(20))  # RFC 4226 section 4, R6: 160 bits


def authenticator_of(account: Account) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=account, confirmed=True).order_by("id").first()


def _locked_authenticator(account: Account) -> TOTPDevice:
    """Return the device, locked against a second verification at the same time."""
    devices = TOTPDevice.objects.select_for_update().filter(user=account, confirmed=True)
    device = devices.order_by("id").first()
    if device is None:
        raise WrongCode
    is_allowed, why = device.verify_is_allowed()
    if not is_allowed:
        raise TooManyCodes((why or {}).get("locked_until"))
    return device


def _digits(code: str) -> str:
    return re.sub(r"\s", "", code)


def check_code(*, account: Account, code: str) -> TOTPDevice:
    """Return the device that accepted `code`; the same code is never accepted twice.

    The device takes the present 30 seconds and one step to each side (RFC 6238 section 5.2).
    Raises WrongCode, or TooManyCodes while wrong ones hold it back.
    """
    with transaction.atomic():
        device = _locked_authenticator(account)
        is_right = device.verify_token(_digits(code))
    if not is_right:  # outside of the transaction: the failure must be counted
        raise WrongCode
    return device


def keep_authenticator(*, account: Account, secret: Secret) -> TOTPDevice:
    return TOTPDevice.objects.create(
        user=account, name=ISSUER, key=secret.hexadecimal, confirmed=True, tolerance=1
    )


def enrol_authenticator(*, account: Account, secret: Secret, code: str) -> TOTPDevice:
    """Make `secret` the account's only authenticator, once `code` shows that it works.

    Raises WrongCode and changes nothing otherwise.
    """
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        device = keep_authenticator(account=account, secret=secret)
        if not device.verify_token(_digits(code)):
            raise WrongCode
        TOTPDevice.objects.filter(user=account).exclude(pk=device.pk).delete()
    return device


def issue_recovery_codes(*, account: Account, now: datetime) -> list[str]:
    """Return ten new codes, to be shown once; the unspent older ones stop working."""
    codes = ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]
    rows = [
        RecoveryCode(account=account, code_hash=make_password(_letters(code)), created_at=now)
        for code in codes
    ]
    with transaction.atomic():
        RecoveryCode.objects.filter(account=account, used_at=None).delete()
        RecoveryCode.objects.bulk_create(rows)
    return codes


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(4))


def _letters(code: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", code.upper())


def unspent_codes(account: Account) -> int:
    return RecoveryCode.objects.filter(account=account, used_at=None).count()


def spend_recovery_code(*, account: Account, code: str, now: datetime) -> TOTPDevice:
    """Spend a recovery code in place of the authenticator, which it returns.

    A code works once, also when sent twice at the same moment. Raises WrongCode or TooManyCodes:
    wrong recovery codes hold back the authenticator's codes as well. Each one spent is a security
    event, wherever it was asked for.
    """
    with transaction.atomic():
        device = _locked_authenticator(account)
        spent = _spend(account, _letters(code), now)
        if spent:
            device.throttle_reset()
            record_event(Kind.RECOVERY_CODE_USED, now=now, account_id=account.pk)
        else:
            device.throttle_increment()
    if not spent:
        raise WrongCode
    return device


def _spend(account: Account, letters: str, now: datetime) -> bool:
    if len(letters) != 4 * _GROUPS:  # not worth ten slow hashes
        return False
    for row in RecoveryCode.objects.filter(account=account, used_at=None).order_by("id"):
        if check_password(letters, row.code_hash):
            unused = RecoveryCode.objects.filter(pk=row.pk, used_at=None)
            return unused.update(used_at=now) == 1
    return False


def check_either(*, account: Account, code: str, now: datetime) -> TOTPDevice:
    """Accept a code of the authenticator or a recovery code; raises WrongCode or TooManyCodes."""
    if re.fullmatch(r"\d{6}", _digits(code)):
        return check_code(account=account, code=code)
    return spend_recovery_code(account=account, code=code, now=now)
