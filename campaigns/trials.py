"""A campaign's mail to a member of staff before it is sent, filled in for a made-up person."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.content.conditions import Facets
from campaigns.delivery.preparing import day_in, salutation
from campaigns.delivery.signing import signer
from campaigns.launching import compiled
from campaigns.models import Campaign, CampaignVersion
from campaigns.smtp.addresses import BadRelayAddress, RelayAddress, wire_address
from campaigns.smtp.message import MessageFrame, Sender
from campaigns.smtp.outcomes import Refused, RelayFailure, RelayUnavailable
from campaigns.smtp.session import RelaySession

SAMPLE: Mapping[str, str] = MappingProxyType(
    {
        "first_name": "Camille",
        "last_name": "Martin",
        "full_name": "Camille Martin",
        "company": "Atelier Martin",
        "job_title": "Directrice",
        "email": "camille.martin@example.org",
        "organisation": "Atelier Martin",
        "country": "FR",
    }
)


def sample_facets(language: str = "fr") -> Facets:
    """The facets of the made-up person, who speaks the language of the mail."""
    return {
        "language": frozenset({language}),
        "country": frozenset({"FR"}),
        "status": frozenset({"new"}),
        "is_professional": frozenset({"yes"}),
    }


def sample_values(language: str = "fr", *, campaign_name: str = "") -> Mapping[str, str]:
    """Every value of a newsletter for the made-up person; the links do nothing."""
    link = f"{settings.PUBLIC_URL}/u/test"
    return {
        **SAMPLE,
        "salutation": salutation(SAMPLE["first_name"], language),
        "today": day_in(language, timezone.now()),
        "campaign_name": campaign_name or _("Name of the campaign"),
        "opt_out_url": link,
        "preferences_url": link,
    }


class TestNotSent(Exception):
    """The relay did not take the test message; the argument says why in the active language,
    without an address."""

    __test__ = False  # its name would make the test runner collect it


def send_test(
    *, campaign_id: UUID, address: str, variant: int = 0, language: str = "", now: datetime
) -> None:
    """Hand one test message over to the relay; it is in no ledger and its links do nothing.

    `variant` and `language` choose one of the campaign's versions; without them, its own words.
    Raises NotReady, BadAddress, CampaignVersion.DoesNotExist and TestNotSent. Calling it twice
    sends two.
    """
    campaign = Campaign.objects.get(id=campaign_id)
    recipient = wire_address(address)
    words = words_of(campaign, variant=variant, language=language)
    _hand_over(recipient, trial_message(campaign, words, recipient=recipient, now=now))


def trial_message(
    campaign: Campaign,
    words: Campaign | CampaignVersion,
    *,
    recipient: str = SAMPLE["email"],
    now: datetime,
) -> bytes:
    """The message of some words of a campaign for the made-up person. Raises NotReady."""
    parts = compiled(words).parts()
    frame = MessageFrame.compile(
        sender=Sender(
            name=campaign.sender_name, address=campaign.sender_address, reply_to=campaign.reply_to
        ),
        subject=parts.subject,
        html=parts.html,
        text=parts.text,
        language=words.language,
        kind="letter",
        signer=signer(campaign.sender_address),
    )
    return frame.render(
        sample_values(words.language, campaign_name=campaign.name),
        to_address=recipient,
        to_name="",
        message_id=f"<{uuid4().hex}@{settings.MAIL_DOMAIN}>",
        date=now,
        facets=sample_facets(words.language),
    )


def words_of(campaign: Campaign, *, variant: int, language: str) -> Campaign | CampaignVersion:
    """The words of a variant in a language. Raises CampaignVersion.DoesNotExist."""
    if not variant and language in ("", campaign.language):
        return campaign
    return campaign.versions.get(variant=variant, language=language or campaign.language)


def _hand_over(recipient: str, message: bytes) -> None:
    try:
        session = RelaySession(RelayAddress.parse(settings.RELAY_URL))
        with session:
            answer = session.open_message(settings.SENDER_ADDRESS, recipient)
            done = answer if isinstance(answer, Refused) else session.send_body(message)
    except (RelayFailure, BadRelayAddress) as failure:
        raise TestNotSent(_what_failed(failure)) from None
    if isinstance(done, Refused):
        words = f"{done.code} {done.enhanced} {done.text}".strip()
        raise TestNotSent(_("It answered: %(answer)s") % {"answer": words})


def _what_failed(failure: RelayFailure | BadRelayAddress) -> str:
    if isinstance(failure, BadRelayAddress):
        text = _("Its address in the settings cannot be used: %(why)s")
    elif isinstance(failure, RelayUnavailable):
        text = _("No connection to it: it may be down, or its address may be wrong (%(why)s).")
    else:
        text = _("The connection broke while the mail was handed over (%(why)s).")
    return text % {"why": str(failure).rstrip(".")}
