"""The proof of one message, as a file to hand to whoever asks for it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns.proofs import message_proof
from consent.services import NothingToProve
from crm.services import account_of, api_page, staff_page

# As on the page of a contact: the evidence is for the data protection officer.
EVIDENCE_READERS = ("dpo",)
PROVERS = (*EVIDENCE_READERS, "marketing", "sales")


def proof_address(contact_id: UUID, reference: Mapping[str, Any]) -> str:
    """Return where the proof of a timeline's entry "was sent a campaign" is."""
    return reverse("campaign-proof", args=[reference["campaign"], contact_id])


@require_safe
@staff_page(*PROVERS)
def campaign_proof(request: HttpRequest, campaign_id: UUID, contact_id: UUID) -> HttpResponse:
    """A download: making the pack changes nothing."""
    return _proof(request, campaign_id, contact_id)


@require_safe
@api_page("proofs:read", *PROVERS, answer="application/zip")
def api_campaign_proof(request: HttpRequest, campaign_id: UUID, contact_id: UUID) -> HttpResponse:
    """Why this message could be sent to this person: a zip file that is checked offline."""
    return _proof(request, campaign_id, contact_id)


def _proof(request: HttpRequest, campaign_id: UUID, contact_id: UUID) -> HttpResponse:
    try:
        pack = message_proof(
            campaign_id=campaign_id,
            contact_id=contact_id,
            with_evidence=account_of(request).role in EVIDENCE_READERS,
            now=timezone.now(),
        )
    except NothingToProve:
        raise Http404 from None
    response = HttpResponse(pack, content_type="application/zip")
    name = f"proof-{campaign_id}-{contact_id}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
