"""The list of campaigns."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.models import Campaign, CampaignMode, CampaignState
from campaigns.pages import READERS, WRITERS
from campaigns.pages.labels import STATE_NAMES
from crm.services import account_of, staff_page

PAGE_SIZE = 25
# Being prepared lasts seconds.
_FILTERS = [state for state in STATE_NAMES if state != CampaignState.STARTING]


@require_safe
@staff_page(*READERS)
def campaign_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in CampaignState.values else ""
    # Without the code of the mails: a page of the list would carry megabytes.
    rows = Campaign.objects.select_related("purpose", "segment").defer("mjml")
    # The mails of sequences are shown with their sequence.
    rows = rows.filter(mode=CampaignMode.NEWSLETTER)
    rows = rows.filter(state=state) if state else rows
    found = _after(rows.order_by("-created_at", "-id"), request.GET.get("after", ""))
    shown = list(found[: PAGE_SIZE + 1])
    page = shown[:PAGE_SIZE]
    context = {
        "campaigns": [(campaign, STATE_NAMES[campaign.state]) for campaign in page],
        "state": state,
        "states": [(code, STATE_NAMES[code]) for code in _FILTERS],
        "has_more": len(shown) > PAGE_SIZE,
        "next_url": f"?state={state}&after={page[-1].id}" if page else "",
        "first_url": f"?state={state}" if request.GET.get("after") else "",
        "may_write": account_of(request).role in WRITERS,
    }
    return render(request, "campaigns/list.html", context)


def _after(rows: QuerySet[Campaign], last: str) -> QuerySet[Campaign]:
    """Keyset paging: what is older than the last row of the page before."""
    try:
        row = Campaign.objects.filter(id=UUID(last)).only("created_at").first()
    except ValueError:
        row = None
    if row is None:
        return rows
    older = Q(created_at__lt=row.created_at) | Q(created_at=row.created_at, id__lt=row.id)
    return rows.filter(older)
