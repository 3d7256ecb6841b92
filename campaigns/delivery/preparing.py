"""From claimed rows to messages ready for the relay: decrypted and rendered, a batch at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from campaigns.content.compile import compile_content, parts_of
from campaigns.content.library import letter
from campaigns.content.merge import MissingValue, Segments
from campaigns.delivery.signing import signer
from campaigns.delivery.statements import Claimed, GateMark, Outcome
from campaigns.measurement import links as measurement
from campaigns.measurement.links import FrozenLink
from campaigns.measurement.measured_mail import measured, trackable_links
from campaigns.models import Campaign, CompiledContent, Delivery, DeliveryKind, DeliveryState
from campaigns.returns.addresses import complaints_address, opt_out_mailto
from campaigns.returns.tokens import MESSAGE_ID, RETURN_PATH, mac_of, opaque
from campaigns.smtp.addresses import BadAddress, verp_address
from campaigns.smtp.headers import UnsafeHeader
from campaigns.smtp.message import MessageFrame, Sender
from consent.services import OptOutLinks, opt_out_links, write_letter
from crm.services import Profile, profiles
from privacy.services import fingerprint_emails


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message on its way: only now does it exist as text, and only in memory."""

    claimed: Claimed
    mail_from: str
    recipient: str
    message: bytes
    mark: GateMark


@dataclass(frozen=True, slots=True)
class Preparation:
    prepared: list[Prepared]
    # What can never be sent, with the reason.
    settled: list[Outcome]


def return_path(claimed: Claimed | Delivery) -> str:
    """Where this one message comes back to: nobody else can write that address."""
    mac = mac_of(claimed, RETURN_PATH)
    return verp_address(delivery=claimed.id, mac=mac, domain=settings.MAIL_DOMAIN)


def message_id(claimed: Claimed | Delivery) -> str:
    """Always the same for the same message, so that a second copy is recognisable, and so that a
    complaint or an answer says what it is about."""
    return f"<m.{opaque(claimed, MESSAGE_ID)}@{settings.MAIL_DOMAIN}>"


def values_of(profile: Profile) -> dict[str, str]:
    """The merge fields of a person."""
    return {
        "first_name": profile.given_name,
        "last_name": profile.family_name,
        "full_name": f"{profile.given_name} {profile.family_name}".strip(),
        "company": profile.company,
        "job_title": profile.job_title,
        "email": profile.email,
    }


def _failed(claimed: Claimed, reason: str) -> Outcome:
    return Outcome(id=claimed.id, state=DeliveryState.FAILED, reason=reason)


def _skipped(claimed: Claimed, reason: str) -> Outcome:
    return Outcome(id=claimed.id, state=DeliveryState.SKIPPED, reason=reason)


class _FrozenMail:
    """One variant of a campaign in one language; its frame is built once.

    A second frame, of the mail that is measured, is built when the first person comes who agreed
    to that: a campaign under legitimate interest never has one.
    """

    def __init__(self, campaign: Campaign, content: CompiledContent) -> None:
        self._campaign = campaign
        self._purpose = campaign.purpose_id
        self._language = content.language
        self._parts = parts_of(html=content.html, text=content.text, subject=content.subject)
        self._plain = self._framed(self._parts.html)
        self._measured: tuple[MessageFrame, list[FrozenLink]] | None = None

    def _framed(self, html: Segments) -> MessageFrame:
        campaign, purpose = self._campaign, self._campaign.purpose
        title = purpose.title_fr if self._language == "fr" else purpose.title_en
        return MessageFrame.compile(
            sender=Sender(
                name=campaign.sender_name,
                address=campaign.sender_address,
                reply_to=campaign.reply_to,
                list_id=f"{title} <{self._purpose.replace('_', '-')}.{settings.MAIL_DOMAIN}>",
                feedback_id=f"{campaign.id.hex}:{self._purpose}:newsletter:accord",
                complaint_address=complaints_address() if settings.RETURNS_BY_MAIL else "",
            ),
            subject=self._parts.subject,
            html=html,
            text=self._parts.text,
            language=self._language,
            signer=signer(),
        )

    def frame_of(self, row: Claimed, links: OptOutLinks) -> tuple[MessageFrame, Mapping[str, str]]:
        """The frame for this row, and the addresses that a measured message carries besides."""
        if not row.is_measurable:
            return self._plain, {}
        if self._measured is None:
            here = trackable_links(self._parts.html)
            frozen = [
                link for link in measurement.frozen_links(self._campaign.id) if link.url in here
            ]
            measurement.publish(frozen)
            html = measured(self._parts.html, [link.url for link in frozen])
            self._measured = self._framed(html), frozen
        frame, frozen = self._measured
        values = measurement.values_of(card_id=links.card_id, delivery_id=row.id, links=frozen)
        return frame, values


class NewsletterDesk:
    """Prepares the messages of one campaign, each in its variant and in its person's language.

    Who speaks a language that the campaign is not written in gets the campaign's own.
    """

    def __init__(self, campaign: Campaign) -> None:
        self._purpose = campaign.purpose_id
        self._language = campaign.language
        self._mails = {
            (content.variant, content.language): _FrozenMail(campaign, content)
            for content in campaign.contents.all()
        }

    def _mail(self, variant: int, language: str) -> _FrozenMail:
        for key in ((variant, language), (variant, self._language)):
            if key in self._mails:
                return self._mails[key]
        return self._mails[0, self._language]

    def prepare(self, rows: Sequence[Claimed], *, now: datetime) -> Preparation:
        people = profiles(contact_ids=[row.contact_id for row in rows])
        addresses = {contact: person.email for contact, person in people.items()}
        links = opt_out_links(subjects=addresses, purpose_code=self._purpose, now=now)
        marks = dict(
            zip(addresses, fingerprint_emails(emails=list(addresses.values())), strict=True)
        )
        done = Preparation([], [])
        for row in rows:
            person = people.get(row.contact_id)
            if person is None:  # its key is gone (erasure), or it does not open
                done.settled.append(_skipped(row, "unreadable"))
                continue
            try:
                message = self._message(row, person, links[row.contact_id], now)
                recipient = person.email
            except (BadAddress, UnsafeHeader) as error:
                done.settled.append(_failed(row, _REASONS[type(error)]))
                continue
            except MissingValue:
                done.settled.append(_failed(row, "missing_value"))
                continue
            mark = GateMark(row.id, marks[row.contact_id].marks, row.is_measurable)
            done.prepared.append(Prepared(row, return_path(row), recipient, message, mark))
        return done

    def _message(self, row: Claimed, person: Profile, links: OptOutLinks, now: datetime) -> bytes:
        frame, addresses = self._mail(row.variant, person.language).frame_of(row, links)
        values = {
            **values_of(person),
            "opt_out_url": links.one_click_url,
            "preferences_url": links.preferences_url,
            **addresses,
        }
        return frame.render(
            values,
            to_address=person.email,
            to_name=values["full_name"],
            message_id=message_id(row),
            date=now,
            unsubscribe_url=links.one_click_url,
            unsubscribe_mailto=opt_out_mailto(links.one_click_url),
        )


_REASONS: dict[type[Exception], str] = {BadAddress: "bad_address", UnsafeHeader: "unsafe_header"}


_SUBJECTS = {
    DeliveryKind.CONFIRMATION: _("Please confirm your e-mail address"),
    DeliveryKind.INFORMATION: _("Why we have your address, and how to say no"),
    DeliveryKind.OPTED_OUT: _("You will receive no more marketing from us"),
}


class LetterDesk:
    """Prepares the letters that must be sent. They hold nothing typed into a form."""

    def __init__(self) -> None:
        self._frames: dict[tuple[DeliveryKind, str], MessageFrame] = {}

    def _frame(self, kind: DeliveryKind, language: str) -> MessageFrame:
        if (kind, language) not in self._frames:
            with translation.override(language):
                subject = str(_SUBJECTS[kind])
            parts = compile_content(
                mjml=letter(kind.label, language),
                subject=subject,
                preheader="",
                language=language,
                kind="letter",
            ).parts()
            self._frames[kind, language] = MessageFrame.compile(
                sender=Sender(name=settings.SENDER_NAME, address=settings.SENDER_ADDRESS),
                subject=parts.subject,
                html=parts.html,
                text=parts.text,
                language=language,
                kind="letter",
                signer=signer(),
            )
        return self._frames[kind, language]

    def prepare(self, rows: Sequence[Claimed], *, now: datetime) -> Preparation:
        people = profiles(contact_ids=[row.contact_id for row in rows])
        done = Preparation([], [])
        for row in rows:
            person = people.get(row.contact_id)
            if person is None:
                done.settled.append(_skipped(row, "unreadable"))
                continue
            self._prepare_one(row, person.email, done, now)
        return done

    def _prepare_one(self, row: Claimed, email: str, done: Preparation, now: datetime) -> None:
        kind = DeliveryKind(row.kind)
        asked = write_letter(kind=kind.label, reference_id=row.reference_id, email=email, now=now)
        if asked is None:
            done.settled.append(_skipped(row, "answered_or_late"))
            return
        values = dict(asked.values)
        if asked.expires_at is not None:
            with translation.override(asked.language):
                values["expires_on"] = date_format(localtime(asked.expires_at), "DATE_FORMAT")
        try:
            message = self._frame(kind, asked.language).render(
                values, to_address=email, to_name="", message_id=message_id(row), date=now
            )
        except BadAddress:
            done.settled.append(_failed(row, "bad_address"))
            return
        mark = fingerprint_emails(emails=[email])[0]
        done.prepared.append(
            Prepared(row, return_path(row), email, message, GateMark(row.id, mark.marks))
        )


def campaign_for_sending(campaign_id: UUID) -> Campaign:
    """Return a campaign with what its desk needs, in two queries."""
    whole = Campaign.objects.select_related("purpose").prefetch_related("contents")
    return whole.get(id=campaign_id)
