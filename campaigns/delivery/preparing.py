"""From claimed rows to messages ready for the relay: decrypted and rendered, a batch at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from campaigns.content.compile import compile_content, parts_of
from campaigns.content.conditions import Facets
from campaigns.content.library import letter
from campaigns.content.merge import MissingValue, Segments
from campaigns.delivery.naming import message_id, return_path
from campaigns.delivery.signing import signer
from campaigns.delivery.statements import Claimed, GateMark, Outcome
from campaigns.measurement import links as measurement
from campaigns.measurement.links import FrozenLink
from campaigns.measurement.measured_mail import measured, trackable_links
from campaigns.models import Campaign, CompiledContent, DeliveryKind, DeliveryState
from campaigns.returns.addresses import complaints_address, opt_out_mailto
from campaigns.smtp.addresses import BadAddress
from campaigns.smtp.headers import UnsafeHeader
from campaigns.smtp.message import MessageFrame, Sender
from consent.services import OptOutLinks, opt_out_links, write_letter
from crm.services import Profile, Traits, organisation_names, profiles, traits
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


def values_of(profile: Profile, *, organisation: str = "", language: str = "") -> dict[str, str]:
    """The merge fields of a person, in the words of a mail's language."""
    return {
        "organisation": organisation or profile.company,
        "salutation": salutation(profile.given_name, language),
        "country": profile.country,
        "first_name": profile.given_name,
        "last_name": profile.family_name,
        "full_name": f"{profile.given_name} {profile.family_name}".strip(),
        "company": profile.company,
        "job_title": profile.job_title,
        "email": profile.email,
    }


def salutation(name: str, language: str) -> str:
    """How a mail begins: a greeting in its language, with the first name if there is one."""
    return f"{'Bonjour' if language == 'fr' else 'Hello'} {name}".strip()


def day_in(language: str, now: datetime) -> str:
    """The date of a mail in the words of its language."""
    with translation.override(language):
        return date_format(localtime(now), "j F Y")


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
        self._day: tuple[date, str] | None = None
        self._measured: tuple[MessageFrame, list[FrozenLink]] | None = None

    @property
    def needs_facets(self) -> bool:
        return self._parts.html.is_conditional or self._parts.text.is_conditional

    @property
    def needs_organisation(self) -> bool:
        return any("organisation" in part.fields for part in self._all_parts())

    def _all_parts(self) -> tuple[Segments, ...]:
        return self._parts.subject, self._parts.html, self._parts.text

    def values_for(self, person: Profile, organisation: str, now: datetime) -> dict[str, str]:
        """What this mail says to a person, but for the addresses that are theirs alone."""
        on = localtime(now).date()
        if self._day is None or self._day[0] != on:
            self._day = on, day_in(self._language, now)
        return {
            **values_of(person, organisation=organisation, language=self._language),
            "today": self._day[1],
            "campaign_name": self._campaign.name,
        }

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
                complaint_address=complaints_address(),
            ),
            subject=self._parts.subject,
            html=html,
            text=self._parts.text,
            language=self._language,
            signer=signer(campaign.sender_address),
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
        known = self._known(addresses)
        done = Preparation([], [])
        for row in rows:
            person = people.get(row.contact_id)
            if person is None:  # its key is gone (erasure), or it does not open
                done.settled.append(_skipped(row, "unreadable"))
                continue
            try:
                message = self._message(row, person, links[row.contact_id], known, now)
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

    def _known(self, emails: Mapping[UUID, str]) -> "_Known":
        """What these mails need of the people beside their profiles, a few queries for all."""
        mails = self._mails.values()
        needs_organisation = any(mail.needs_organisation for mail in mails)
        if not needs_organisation and not any(mail.needs_facets for mail in mails):
            return _Known()
        known = traits(emails=emails)
        if not needs_organisation:
            return _Known(known)
        theirs = {each.organisation_id for each in known.values() if each.organisation_id}
        return _Known(known, organisation_names(organisation_ids=list(theirs)))

    def _message(
        self, row: Claimed, person: Profile, links: OptOutLinks, known: "_Known", now: datetime
    ) -> bytes:
        mail = self._mail(row.variant, person.language)
        frame, addresses = mail.frame_of(row, links)
        values = {
            **mail.values_for(person, known.organisation(row.contact_id), now),
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
            facets=known.facets(row.contact_id),
            unsubscribe_mailto=opt_out_mailto(links.one_click_url),
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """The facets and the organisations of the people of a batch."""

    traits: Mapping[UUID, Traits] = field(default_factory=dict)
    names: Mapping[UUID, str] = field(default_factory=dict)

    def facets(self, contact_id: UUID) -> Facets:
        """Of whom nothing is known, nothing holds: no block that asks for something."""
        return self.traits[contact_id].words if contact_id in self.traits else {}

    def organisation(self, contact_id: UUID) -> str:
        theirs = self.traits[contact_id].organisation_id if contact_id in self.traits else None
        return self.names.get(theirs, "") if theirs else ""


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
                signer=signer(settings.SENDER_ADDRESS),
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
