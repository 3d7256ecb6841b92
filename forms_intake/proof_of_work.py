"""ALTCHA proof of work, version 1: a sender spends a second of computing before being heard.

Challenge and answer are those of the `altcha` library; we add the form that a challenge is for,
and refuse an answer that was used before.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from altcha import v1 as altcha
from django.conf import settings

from forms_intake.abuse import Remembered

# The answer is found after half of them on average: 25,000 SHA-256.
MAX_NUMBER = 50_000
# As long as somebody may take to write a message.
CHALLENGE_LIFE = timedelta(hours=1)
_TYPES = {"algorithm": str, "challenge": str, "number": int, "salt": str, "signature": str}
_USED: Remembered[bool] = Remembered()


class InvalidProof(ValueError):
    """The proof of work is missing, wrong, too old, for another form, or was used before."""


def _key() -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), b"forms_intake/altcha/1", hashlib.sha256)


def make_challenge(*, form: str, now: datetime) -> dict[str, Any]:
    """Return a challenge for one submission of one form, as the ALTCHA widget expects it."""
    options = altcha.ChallengeOptions(
        algorithm="SHA-256",
        max_number=MAX_NUMBER,
        hmac_key=_key(),
        expires=now + CHALLENGE_LIFE,
        params={"form": form},
    )
    challenge: dict[str, Any] = altcha.create_challenge(options).to_dict()
    # The widget of version 1 reads the lower-case name.
    return {**challenge, "maxnumber": MAX_NUMBER}


def check_proof(*, proof: object, form: str, now: datetime) -> None:
    """Accept a proof once; raises InvalidProof."""
    payload = _decode(proof)
    # The library's own expiry reads the wall clock; time is passed in here.
    is_right, _message = altcha.verify_solution(payload, _key(), check_expires=False)
    if not is_right:
        raise InvalidProof(InvalidProof.__doc__)
    said = altcha.extract_params(payload.to_dict())
    if said.get("form") != [form] or int(said["expires"][0]) < now.timestamp():
        raise InvalidProof(InvalidProof.__doc__)
    if not _USED.remember(payload.challenge, True):
        raise InvalidProof(InvalidProof.__doc__)


def _decode(proof: object) -> altcha.Payload:
    try:
        if not isinstance(proof, str):
            raise InvalidProof(InvalidProof.__doc__)
        payload = json.loads(base64.b64decode(proof, validate=True))
    except (ValueError, RecursionError):
        raise InvalidProof(InvalidProof.__doc__) from None
    if not isinstance(payload, dict) or payload.get("algorithm") != "SHA-256":
        raise InvalidProof(InvalidProof.__doc__)
    for name, kind in _TYPES.items():
        if type(payload.get(name)) is not kind:
            raise InvalidProof(InvalidProof.__doc__)
    return altcha.Payload(**{name: payload[name] for name in _TYPES})
