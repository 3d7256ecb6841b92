"""One of each kind of thing that mail is made of, that writes it, and that other systems ask for.

A key of two words is a part of an address behind that beginning alone: `replies/ template_id`.
"""

from io import BytesIO
from uuid import UUID, uuid4

from django.utils import timezone
from PIL import Image as Picture

from campaigns.brands import BrandSettings, create_brand
from campaigns.images.library import add_image, path_of
from campaigns.models import ColleagueNotice, Enrolment, Image, Return
from campaigns.saved_blocks import create_block
from campaigns.single.templates import create_reply_template
from crm.bell import notify
from crm.models import Account, Notification, WebhookCall
from crm.scoring.store import RuleDraft, create_rule
from crm.services import publish_event
from crm.webhooks.endpoints import create_endpoint
from tests.campaigns.automations import cast as sequences
from tests.conftest import NOW


def things_of_mail(*, owner: Account, contact: UUID) -> dict[str, str]:
    """Return the parts of addresses; the owner is nobody who walks."""
    return {
        **_material(owner),
        **_sequence(owner, contact),
        **_told(owner),
        "return_id": str(_return(contact)),
        "message_id": str(uuid4()),
        "variant": "0",
        "language": "en",
        "relays/ code": "default",
        "relays/services/ service": "gmail",
        "returns/ service": "brevo",
    }


def _material(owner: Account) -> dict[str, str]:
    drawn = BytesIO()
    Picture.new("RGB", (40, 30), "#0a7").save(drawn, "PNG")
    image = add_image(
        uploaded=drawn.getvalue(), name="Logo", alt="Logo", is_decorative=False,
        actor_id=owner.id, now=NOW,
    )  # fmt: skip
    brand = create_brand(
        settings=BrandSettings(
            name="Ours", logo_id=image, main_colour="#0a7770", band_colour="#ffffff",
            page_colour="#ffffff", text_colour="#111111", font="arial", heading_font="arial",
        ),
        now=NOW,
    )  # fmt: skip
    block = create_block(name="Foot", mjml="<mj-text>Bye</mj-text>", now=NOW)
    reply = create_reply_template(name="Hi", language="en", subject="Hi", text="Hello", now=NOW)
    return {
        "image_id": str(image),
        "media/ name": path_of(Image.objects.get(id=image)).rpartition("/")[2],
        "brand_id": str(brand),
        "block_id": str(block),
        "replies/ template_id": str(reply),
    }


def _sequence(owner: Account, contact: UUID) -> dict[str, str]:
    sequence = sequences.active(
        sequences.step("s1", "notify", account=str(owner.id)), sequences.wait("s2")
    )
    sequences.enter(sequence, contact)
    sequences.turn(sequence, NOW)
    return {
        "sequence_id": str(sequence),
        "enrolment_id": str(Enrolment.objects.get().id),
        "sequences/notices/ notice_id": str(ColleagueNotice.objects.get().id),
        "sequences/ key": "s1",
    }


def _told(owner: Account) -> dict[str, str]:
    endpoint, _secret = create_endpoint(
        name="billing", url="https://billing.example.org/hook", kinds=["campaign.finished"],
        actor_id=owner.id, now=NOW,
    )  # fmt: skip
    publish_event(kind="campaign.finished", ids={"campaign_id": str(uuid4())}, at=NOW)
    notify(
        account_ids=[owner.id], kind="campaign_finished", cause="once", at=NOW,
        reference={"campaign_id": str(uuid4())},
    )  # fmt: skip
    rules = {"match": "all", "rules": [{"fact": "form", "is": "one_of", "value": ["contact"]}]}
    draft = RuleDraft(name="Asked", rules=rules, points=5, half_life_days=None)
    return {
        "endpoint_id": str(endpoint),
        "call_id": str(WebhookCall.objects.get().id),
        "notification_id": str(Notification.objects.get(account=owner).id),
        "rule_id": str(create_rule(draft=draft, actor_id=owner.id, now=NOW)),
    }


def _return(contact: UUID) -> UUID:
    row = Return.objects.create(
        id=uuid4(), received_at=NOW, source="mail", kind="unknown", attribution="none",
        contact_id=contact, is_kept=True, applied_at=timezone.now(),
    )  # fmt: skip
    return row.id
