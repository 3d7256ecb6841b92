"""One of each kind of thing, every address of both sides filled in with them, and a digest.

A new kind of thing that has pages gets a line in `build`; an address whose part is not known here
fails the tests, so that none is left out.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from campaigns.models import Template
from campaigns.services import launch
from consent import services as consent
from consent.models import LedgerEvent
from crm.accounts.tokens import make_token
from crm.models import Account, ApiToken, Lead
from crm.organisations import Change, create_organisation
from crm.services import create_segment
from crm.support.tickets import open_ticket
from forms_intake.models import FormVersion
from privacy.models import Approval
from privacy.services import read_more_reference, request_approval
from tests.attacks.world_of_mail import things_of_mail
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.conftest import NOW
from tests.consent.officer import begin
from tests.consent.people import newsletter, promotion, submit
from tests.crm.exports.cast import ask
from tests.crm.imports.files import file_of, run
from tests.crm.pages.arrivals import arrive
from tests.crm.staff import make_account
from tests.forms_intake import cast as forms

ALICE, BOB = "Alice", "Bobine"
# Written by reading, on purpose: when somebody was seen, and who read whom and how much.
_REMEMBERED = (
    "crm_staffsession",
    "crm_signin",
    "privacy_accessrecord",
    "privacy_readmeter",
)


@dataclass(frozen=True)
class World:
    """The ids of what there is."""

    contact: UUID
    other_contact: UUID
    lead: UUID
    record: UUID
    batch: UUID
    segment: UUID
    campaign: UUID
    draft: UUID
    template: UUID
    notice: UUID
    form_version: UUID
    account: UUID
    ticket: UUID
    organisation: UUID
    export: UUID
    approval: UUID
    token: UUID
    of_mail: Mapping[str, str]

    def parts(self) -> dict[str, str]:
        """Return the name of a part of an address -> one that exists."""
        return {
            "contact_id": str(self.contact),
            "lead_id": str(self.lead),
            "record_id": str(self.record),
            "batch_id": str(self.batch),
            "segment_id": str(self.segment),
            "campaign_id": str(self.draft),
            "template_id": str(self.template),
            "notice_id": str(self.notice),
            "version_id": str(self.form_version),
            "account_id": str(self.account),
            "act": "sessions",
            "ticket_id": str(self.ticket),
            "organisation_id": str(self.organisation),
            "export_id": str(self.export),
            "approval_id": str(self.approval),
            "token_id": str(self.token),
            "passkey_id": "1",
            "purpose": "newsletter",
            "channel": "email",
            "version": "1",
            "key": "newsletter.en",
            "code": "newsletter",
            "token": "A" * 60,
            **self.of_mail,
        }


def build() -> World:
    forms.published()
    lead = uuid4()
    contact, other = arrive(ALICE, message="Call me", lead_id=lead), arrive(BOB)
    for person, email in ((contact, "alice@example.org"), (other, "bobine@example.org")):
        submit(
            person,
            newsletter(is_ticked=True),
            promotion(is_ticked=False),
            email=email,
            needs_confirmation=False,
        )
    begin()
    consent.publish_notice(code="site", texts=forms.NOTICE, is_substantive=True, now=NOW)
    segment = create_segment(name="All", rules={"match": "all", "rules": []}, now=NOW)
    campaign = cast.draft(segment_id=segment)
    launch(campaign_id=campaign, actor_id=cast.people_actor(), now=NOW)
    template = Template.objects.create(
        id=uuid4(),
        name="Ours",
        mjml=desk.good_mjml(),
        language="en",
        created_at=NOW,
        updated_at=NOW,
    )
    owner = make_account("owner", "marketing")
    return World(
        contact=contact,
        other_contact=other,
        lead=Lead.objects.get(id=lead).id,
        record=LedgerEvent.objects.filter(subject_id=contact).latest("seq").record_id,
        batch=run(file_of("carla@example.org;Carla;;;", "nobody;;;;")),
        segment=segment,
        campaign=campaign,
        draft=cast.draft(segment_id=segment),
        template=template.id,
        notice=consent_notice(),
        form_version=FormVersion.objects.latest("id").id,
        **_beside_the_contacts(owner),
        of_mail=things_of_mail(owner=owner, contact=other),
    )


def _beside_the_contacts(owner: Account) -> dict[str, UUID]:
    """What belongs to somebody's account: nobody who walks owns any of these."""
    make_token(
        account=owner,
        name="nightly",
        scopes=["permissions:read"],
        networks=[str(settings.STAFF_NETWORKS[0])],
        expires_at=timezone.now() + timedelta(days=1),
        now=timezone.now(),
    )
    request_approval(
        kind="read_more",
        reference=read_more_reference(reader_id=owner.id, now=NOW),
        requested_by=owner.id,
        now=NOW,
        expires_at=timezone.now() + timedelta(days=1),
    )
    organisation = create_organisation(
        change=Change(name="Wombatworks"),
        country="FR",
        contract_ends_on=None,
        actor_id=owner.id,
        now=NOW,
    )
    return {
        "account": owner.id,
        "ticket": open_ticket(reference="SUP-1", actor_id=owner.id, now=NOW),
        "organisation": organisation,
        "export": ask(owner).id,
        "approval": Approval.objects.get().id,
        "token": ApiToken.objects.get().id,
    }


def consent_notice() -> UUID:
    from consent.models import Notice

    return Notice.objects.filter(code="site").latest("version").id


# --- addresses ---------------------------------------------------------------------------------

# What `code` means depends on what stands before it.
_CODES = {"forms/ code": "contact", "notices/ code": "site", "purposes/rules/ code": "reask.months",
          "f/ code": "contact", "api/v1/forms/ code": "contact"}  # fmt: skip
_PART = re.compile(r"<(?:\w+:)?(\w+)>")
# A part of an address that is an expression; it may hold groups of its own, one level deep.
_GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")


def patterns(urls: str) -> list[tuple[str, URLPattern]]:
    """Return every route of a side with its pattern."""
    return list(_walk(get_resolver(urls)))


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for part in resolver.url_patterns:
        route = prefix + str(part.pattern)
        if isinstance(part, URLResolver):
            yield from _walk(part, route)
        else:
            yield route, part


def filled(route: str, parts: Mapping[str, str], forced: Mapping[str, str] | None = None) -> str:
    """Return the address of a route with its parts filled in, `forced` whatever stands before."""
    values = dict(parts)
    for key, value in sorted({**_CODES, **parts}.items()):  # the longest beginning counts
        before, _space, name = key.rpartition(" ")
        if before and _plain(route).startswith(before):
            values[name] = value
    values |= forced or {}
    return "/" + _PART.sub(lambda match: values[match[1]], _plain(route))


def _plain(route: str) -> str:
    """The same of an address that is an expression."""
    if not route.startswith("^"):
        return route
    return _GROUP.sub(r"<\1>", route).strip("^$").replace("\\", "")


def names_of_parts(route: str) -> list[str]:
    return _PART.findall(_plain(route))


def addresses(urls: str, parts: Mapping[str, str]) -> list[str]:
    return [filled(route, parts) for route, _pattern in patterns(urls)]


# --- digest ------------------------------------------------------------------------------------


def digest() -> dict[str, str]:
    """Return database.table -> one hash over all its rows, for each table but the remembered."""
    found: dict[str, str] = {}
    for alias in ("default", "vault", "intake"):
        connection = connections[alias]
        with connection.cursor() as cursor:
            for table in sorted(connection.introspection.table_names(cursor)):
                if table in _REMEMBERED:
                    continue
                cursor.execute(
                    f"SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')"
                    f' FROM "{table}" t'
                )
                text = str(cursor.fetchone()[0])
                found[f"{alias}.{table}"] = hashlib.sha256(text.encode()).hexdigest()
    return found


def changed(before: Mapping[str, str]) -> list[str]:
    """Return the tables that are not as they were."""
    return [table for table, value in digest().items() if before[table] != value]
