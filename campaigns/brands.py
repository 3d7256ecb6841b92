"""Brands: what mails take their colours, fonts, logo, footer and sender from."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from campaigns.content.looks import HOUSE, Look, brand_code
from campaigns.images.encoding import SMALL
from campaigns.images.library import path_of
from campaigns.models import Brand, Image

_LOGO_WIDTH = 180


class NoSuchBrand(LookupError):
    """The brand was never there, or is archived."""


class CodeTaken(ValueError):
    """Another brand has this name already."""


class DefaultStays(Exception):
    """The default brand is in use by every mail that names none: choose another one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandSettings:
    """What a person sets of a brand."""

    name: str
    logo_id: UUID | None
    main_colour: str
    band_colour: str
    page_colour: str
    text_colour: str
    font: str
    heading_font: str
    footer_fr: str = ""
    footer_en: str = ""
    sender_name: str = ""
    sender_address: str = ""
    reply_to: str = ""


def create_brand(*, settings: BrandSettings, now: datetime) -> UUID:
    """Keep a brand; the first one is the default. Raises CodeTaken. Twice makes no second one."""
    brand_id = uuid_utils.compat.uuid7()
    code = slugify(settings.name)[:40].strip("-") or "brand"
    try:
        with transaction.atomic():
            Brand.objects.create(
                id=brand_id,
                code=code,
                is_default=not Brand.objects.filter(is_default=True).exists(),
                created_at=now,
                updated_at=now,
                **asdict(settings),
            )
    except IntegrityError:
        raise CodeTaken(CodeTaken.__doc__) from None
    return brand_id


def change_brand(*, brand_id: UUID, settings: BrandSettings, now: datetime) -> None:
    """Replace the settings of a brand; its code stays. Drafts follow, launched mails do not.

    Raises NoSuchBrand. Safe twice.
    """
    rows = Brand.objects.filter(id=brand_id, archived_at=None)
    if not rows.update(updated_at=now, **asdict(settings)):
        raise NoSuchBrand


def make_default(*, brand_id: UUID) -> None:
    """Give every mail that names no brand this one. Raises NoSuchBrand. Safe twice."""
    with transaction.atomic():
        current = Brand.objects.select_for_update().filter(archived_at=None)
        if brand_id not in {brand.id for brand in current}:
            raise NoSuchBrand
        Brand.objects.filter(is_default=True).exclude(id=brand_id).update(is_default=False)
        Brand.objects.filter(id=brand_id).update(is_default=True)


def archive_brand(*, brand_id: UUID, now: datetime) -> None:
    """Take a brand out of use; mails that name it get the default. Raises DefaultStays.

    Safe twice.
    """
    with transaction.atomic():
        brand = Brand.objects.select_for_update().filter(id=brand_id).first()
        if brand is None or brand.archived_at:
            return
        if brand.is_default:
            raise DefaultStays
        Brand.objects.filter(id=brand_id).update(archived_at=now)


def restore_brand(*, brand_id: UUID) -> None:
    """Bring a brand back. Safe twice."""
    Brand.objects.filter(id=brand_id).update(archived_at=None)


def default_brand() -> Brand | None:
    """The brand of mails that name none, if there is one."""
    return Brand.objects.filter(is_default=True).first()


def brand_sender() -> dict[str, str]:
    """What a new campaign takes from the default brand of its sender: only what that says."""
    brand = default_brand()
    names = ("sender_name", "sender_address", "reply_to") if brand else ()
    return {name: getattr(brand, name) for name in names if getattr(brand, name)}


def look_for(mjml: str) -> Look:
    """The look of a template: that of the brand it names, else the default one's."""
    code = brand_code(mjml)
    rows = Brand.objects.filter(archived_at=None).select_related("logo")
    rows = rows.defer("logo__large", "logo__small")
    named = rows.filter(code=code).first() if code else None
    brand = named or rows.filter(is_default=True).first()
    return look_of(brand) if brand else HOUSE


def look_of(brand: Brand) -> Look:
    """A brand as a mail shows it."""
    return Look(
        name=brand.name,
        logo=path_of(brand.logo, width=SMALL) if brand.logo else "",
        logo_width=_logo_width(brand.logo) if brand.logo else 0,
        main=brand.main_colour,
        band=brand.band_colour,
        page=brand.page_colour,
        text=brand.text_colour,
        font=brand.font,
        heading_font=brand.heading_font,
        footer={"fr": brand.footer_fr, "en": brand.footer_en},
        is_brand=True,
    )


def _logo_width(logo: Image) -> int:
    """At most 180 wide and 80 high, so that a square logo does not fill the head of a mail."""
    return max(1, min(_LOGO_WIDTH, logo.width, 80 * logo.width // max(1, logo.height)))
