"""Schemathesis at the staff API, with a token: it answers as its document says, to anything."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from crm.accounts.register import create_account
from crm.accounts.tokens import make_token
from crm.models import Contact
from tests.crm.staff import PASSWORD
from tests.journeys.scans.test_the_apis_keep_to_their_documents import examine
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow


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


def _contact() -> Contact:
    now = datetime.now(UTC)
    dates = dict.fromkeys(("created_at", "updated_at", "last_act_at"), now)
    return Contact.objects.create(
        id=uuid4(), language="fr", source="form", has_email=True, has_phone=False, **dates
    )


@pytest.mark.timeout(300)
def test_the_staff_api(scanned: Stage, tmp_path: Path) -> None:
    headers = {
        "Authorization": f"Bearer {_token(['permissions:read', 'records:read', 'proofs:read'])}"
    }
    document = httpx.get(f"{scanned.staff_url}/api/v1/schema", headers=headers)
    assert len(document.json()["paths"]) == 9
    # A contact without a record has no proof: those two addresses are looked at for their 404, and
    # what a proof holds is tested elsewhere.
    settings = f'warnings = false\n[parameters]\n"path.contact_id" = "{_contact().pk}"\n'
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
