"""The proof of one permission, as a file to hand to whoever asks for it."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from consent.services import NothingToProve, proof_pack
from crm.access import account_of, api_page, staff_page
from crm.models import Contact
from crm.pages import PROVERS

# The data protection officer answers for the evidence; the others prove without network and
# browser, which they do not need to know.
EVIDENCE_READERS = ("dpo",)


@require_safe
@staff_page(*PROVERS)
def contact_proof(
    request: HttpRequest, contact_id: UUID, purpose: str, channel: str
) -> HttpResponse:
    """A download: making the pack changes nothing."""
    return _proof(request, contact_id, purpose, channel)


@require_safe
@api_page("proofs:read", *PROVERS, answer="application/zip")
def api_contact_proof(
    request: HttpRequest, contact_id: UUID, purpose: str, channel: str
) -> HttpResponse:
    """The proof pack of one permission: a zip file that is checked offline."""
    return _proof(request, contact_id, purpose, channel)


def _proof(request: HttpRequest, contact_id: UUID, purpose: str, channel: str) -> HttpResponse:
    contact = get_object_or_404(Contact.objects.only("id"), id=contact_id)
    try:
        pack = proof_pack(
            subject_id=contact.id,
            purpose_code=purpose,
            channel=channel,
            with_evidence=account_of(request).role in EVIDENCE_READERS,
            now=timezone.now(),
        )
    except NothingToProve:
        raise Http404 from None
    return zip_response(pack, f"proof-{contact.id}-{purpose}-{channel}")


def zip_response(pack: bytes, name: str) -> HttpResponse:
    """Return a download under a name that holds ids and codes only."""
    response = HttpResponse(pack, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return response
