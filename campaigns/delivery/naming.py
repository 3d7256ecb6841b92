"""Names that a message has by what it is: the same for the same message, whoever asks."""

from django.conf import settings

from campaigns.returns.tokens import MESSAGE_ID, RETURN_PATH, Message, mac_of, opaque
from campaigns.smtp.addresses import verp_address


def return_path(message: Message) -> str:
    """Where this one message comes back to: nobody else can write that address."""
    mac = mac_of(message, RETURN_PATH)
    return verp_address(delivery=message.id, mac=mac, domain=settings.MAIL_DOMAIN)


def message_id(message: Message) -> str:
    """Always the same for the same message, so that a second copy is recognisable, and so that a
    complaint or an answer says what it is about."""
    return f"<m.{opaque(message, MESSAGE_ID)}@{settings.MAIL_DOMAIN}>"
