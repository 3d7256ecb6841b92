"""The campaigns by name, for segments and for the pages of contacts."""

from campaigns.models import Campaign
from crm.services import Choice

# A list to choose from is read by a person; who sent more than this asks by the newest.
MOST = 500


def campaign_choices() -> list[Choice]:
    """Return the newest launched campaigns."""
    rows = Campaign.objects.filter(launched_at__isnull=False).order_by("-created_at", "-id")
    return [Choice(str(number), name) for number, name in rows.values_list("id", "name")[:MOST]]
