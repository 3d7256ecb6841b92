"""What crm puts into the shell: menu entries, and the cards and the list of the home page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.approval_kinds import APPROVERS
from crm.approving import how_many_wait_for
from crm.contacts import how_many_contacts
from crm.models import Account, Lead
from crm.officer.addresses import ASKERS
from crm.pages import EXPORTERS, IMPORTS_READERS, READERS, WATCHERS, WRITERS
from crm.pages.labels import LEAD_STATES, words
from crm.people import Profile, profiles
from crm.search.asking import SearchDown, search_status
from crm.segments.choices import names_of
from crm.shell import CardValue, ListRow, register_card, register_home_list, register_menu
from privacy.services import TooManyReads

SHOWN, COUNTED = 5, 100


def register() -> None:
    """Put contacts, leads and segments into the shell; safe to repeat."""
    for url_name, label, icon, position in (
        ("contact-list", _("Contacts"), "address-book", 10),
        ("lead-list", _("Leads"), "inbox", 20),
        ("organisation-list", _("Organisations"), "building", 15),
        ("segment-list", _("Segments"), "chart-pie", 30),
    ):
        register_menu(url_name=url_name, label=label, icon=icon, position=position, roles=READERS)
    register_menu(url_name="call-list", label=_("Calls"), icon="phone", position=25, roles=WRITERS)
    register_menu(
        url_name="ask-address",
        label=_("Ask about an address"),
        icon="help-circle",
        position=90,
        roles=ASKERS,
    )
    register_menu(
        url_name="security-events",
        label=_("Security"),
        icon="shield-lock",
        position=110,
        roles=WATCHERS,
    )
    register_menu(
        url_name="import-list",
        label=_("Imports"),
        icon="upload",
        position=35,
        roles=IMPORTS_READERS,
    )
    register_menu(
        url_name="export-list", label=_("Exports"), icon="download", position=36, roles=EXPORTERS
    )
    register_menu(
        url_name="approval-list", label=_("Approvals"), icon="gavel", position=85, roles=APPROVERS
    )
    register_card(
        code="approvals",
        label=_("Waiting for you"),
        icon="gavel",
        position=5,
        roles=APPROVERS,
        provider=_approvals,
    )
    register_card(
        code="new-leads",
        label=_("New leads"),
        icon="inbox",
        position=10,
        roles=READERS,
        provider=_new_leads,
    )
    register_card(
        code="contacts",
        label=_("Contacts"),
        icon="address-book",
        position=20,
        roles=READERS,
        provider=_contacts,
    )
    register_card(
        code="search",
        label=_("Contacts that the search holds"),
        icon="search",
        position=90,
        roles=("dsi",),
        provider=_search,
    )
    register_home_list(
        code="leads",
        title=_("Newest leads"),
        position=10,
        roles=READERS,
        provider=_newest_leads,
        more_url_name="lead-list",
        empty_text=_("No lead has arrived yet."),
    )


def _approvals(account: Account, now: datetime) -> CardValue:
    count = how_many_wait_for(account=account, now=now)
    return CardValue(count, url=reverse("approval-list"))


def _new_leads(account: Account, now: datetime) -> CardValue:
    waiting = Lead.objects.filter(state="new").order_by("-received_at", "-id")
    # Never more than a screenful of a pile: beyond, the exact number helps nobody.
    count = len(waiting.values_list("id")[: COUNTED + 1])
    value = f"{COUNTED}+" if count > COUNTED else count
    return CardValue(value, url=reverse("lead-list"))


def _contacts(account: Account, now: datetime) -> CardValue:
    estimate = how_many_contacts()
    detail = "" if estimate.is_exact else _("about")
    return CardValue(estimate.count, detail, reverse("contact-list"))


def _names(rows: Sequence[Lead]) -> Mapping[UUID, Profile]:
    """Who wrote; nobody once the account has read its share: its home page stays open."""
    try:
        return profiles(contact_ids=[row.contact_id for row in rows])
    except TooManyReads:
        return {}


def _search(account: Account, now: datetime) -> CardValue:
    try:
        how = search_status()
    except SearchDown:
        return CardValue(0, _("it does not answer"))
    if not how.is_loaded:
        return CardValue(how.loaded, _("it is still reading them"))
    if how.behind_since:
        return CardValue(how.loaded, _("it does not hear of changes"))
    return CardValue(how.loaded, "" if how.is_locked else _("its memory is not locked"))


def _newest_leads(account: Account, now: datetime) -> list[ListRow]:
    rows = list(Lead.objects.order_by("-received_at", "-id")[:SHOWN])
    people = _names(rows)
    forms = names_of("form")
    return [
        ListRow(
            title=people[row.contact_id].display_name
            if row.contact_id in people
            else str(_("Name not shown")),
            url=reverse("contact", args=[row.contact_id]),
            detail=forms.get(row.form_code, row.form_code),
            at=row.received_at,
            badge=words(LEAD_STATES, row.state),
        )
        for row in rows
    ]
