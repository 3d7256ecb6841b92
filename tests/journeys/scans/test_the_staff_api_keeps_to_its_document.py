"""Schemathesis at the staff API, with a token: it answers as its document says, to anything."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from crm.accounts.register import create_account
from crm.accounts.tokens import make_token
from crm.models import Lead
from tests.crm.pages.arrivals import arrive
from tests.crm.staff import PASSWORD
from tests.journeys.scans.test_the_apis_keep_to_their_documents import examine
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow
SCOPES = ["permissions:read", "records:read", "proofs:read", "leads:read"]


def _token(scopes: list[str], role: str = "dpo") -> str:
    now = datetime.now(UTC)
    name = f"{role}-{uuid4().hex[:6]}"
    made = create_account(username=name, role=role, now=now, password=PASSWORD)
    return make_token(
        account=made.account,
        name="scanner",
        scopes=scopes,
        networks=["127.0.0.1/32"],
        expires_at=now + timedelta(days=1),
        now=now,
    )


def _lead() -> Lead:
    """Of a person who wrote, and answered no box."""
    contact = arrive("Alice", message="A quote, please", at=datetime.now(UTC))
    return Lead.objects.get(contact=contact)


@pytest.mark.timeout(300)
def test_the_staff_api(scanned: Stage, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {_token(SCOPES)}"}
    document = httpx.get(f"{scanned.staff_url}/api/v1/schema", headers=headers)
    assert len(document.json()["paths"]) == 9
    # A contact without a record has no proof: those two addresses are looked at for their 404, and
    # what a proof holds is tested elsewhere.
    lead = _lead()
    settings = (
        f'warnings = false\n[parameters]\n"path.contact_id" = "{lead.contact_id}"\n'
        f'"path.lead_id" = "{lead.pk}"\n'
    )
    examine(
        f"{scanned.staff_url}/api/v1/schema", folder=tmp_path, settings=settings, headers=headers
    )


@pytest.mark.timeout(300)
def test_sending_messages(scanned: Stage, tmp_path: Path) -> None:
    """With a token that may send: whatever is asked for, it is answered as the document says."""
    key = _token(["messages:send"], role="marketing")
    address = f"{scanned.staff_url}/api/v1/schema"
    headers = {"Authorization": f"Bearer {key}"}
    examine(address, folder=tmp_path, settings="warnings = false\n", headers=headers)
