"""Names that a message has by what it is: the same for the same message, whoever asks."""

from uuid import UUID

from django.conf import settings

from privacy.services import keyed_id


def message_id_of(*, reference_id: UUID, contact_id: UUID, kind: int) -> str:
    """Always the same for the same message, so that a second copy is recognisable."""
    parts = [reference_id.bytes, contact_id.bytes, bytes([kind])]
    opaque = keyed_id(scope="message_id", parts=parts).hex()
    return f"<{opaque}@{settings.MAIL_DOMAIN}>"
