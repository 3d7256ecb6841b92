"""Brands: their look with its contrasts, their footer, their sender."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import brands
from campaigns.content.colours import HEX
from campaigns.content.compile import compile_content
from campaigns.content.library import starter
from campaigns.content.looks import FONTS, HOUSE, Look, problems
from campaigns.images.library import shelf
from campaigns.models import Brand
from campaigns.pages import READERS, WRITERS, mail
from campaigns.pages.forms import address_field, one_line, proper_name, text_input
from crm.services import FreeTextField, account_of, staff_page

_FONT_NAMES = {
    "arial": "Arial",
    "verdana": "Verdana",
    "tahoma": "Tahoma",
    "trebuchet": "Trebuchet MS",
    "georgia": "Georgia",
    "times": "Times New Roman",
    "courier": "Courier New",
}
_MOST_LOGOS = 200


def _is_colour(text: str) -> None:
    if not HEX.fullmatch(text):
        raise ValidationError(_("Write a colour like #0b5c8a."))


def _colour(label: Any, help_text: Any, initial: str) -> FreeTextField:
    # The browser's colour field alone cannot be typed into, and says nothing to a screen reader.
    return FreeTextField(
        label=label,
        help_text=help_text,
        initial=initial,
        max_length=7,
        widget=text_input(spellcheck="false", pattern="#[0-9a-fA-F]{6}", inputmode="text"),
        validators=[_is_colour],
    )


def _font(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=[(code, _FONT_NAMES[code]) for code in FONTS],
        widget=forms.Select(attrs={"class": "form-select"}),
    )


def _line(label: Any, help_text: Any = "") -> FreeTextField:
    return FreeTextField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=300,
        widget=text_input(),
        validators=[one_line],
    )


def _logos() -> list[tuple[str, Any]]:
    shown = shelf().values_list("id", "name")[:_MOST_LOGOS]
    return [("", gettext_lazy("No logo: the name in words")), *((str(n), t) for n, t in shown)]


class BrandForm(forms.Form):
    name = FreeTextField(
        label=gettext_lazy("Name of the brand"),
        help_text=gettext_lazy("Readers see it where there is no logo."),
        max_length=120,
        widget=text_input(),
        validators=[proper_name],
    )
    logo = forms.ChoiceField(
        label=gettext_lazy("Logo, from the image library"),
        choices=_logos,
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    main_colour = _colour(
        gettext_lazy("Main colour"), gettext_lazy("Buttons and links, on white."), HOUSE.main
    )
    band_colour = _colour(
        gettext_lazy("Colour of the band"), gettext_lazy("Behind the title of a mail."), HOUSE.band
    )
    page_colour = _colour(
        gettext_lazy("Colour of the page"), gettext_lazy("Around the sheet."), HOUSE.page
    )
    text_colour = _colour(
        gettext_lazy("Colour of the text"), gettext_lazy("On white and on the page."), HOUSE.text
    )
    font = _font(gettext_lazy("Font of the text"))
    heading_font = _font(gettext_lazy("Font of titles"))
    footer_fr = _line(
        gettext_lazy("Footer in French"),
        gettext_lazy("Stands where a template writes {{ brand_footer }}."),
    )
    footer_en = _line(gettext_lazy("Footer in English"))
    sender_name = FreeTextField(
        label=gettext_lazy("Sender’s name"),
        required=False,
        max_length=120,
        widget=text_input(),
        validators=[proper_name],
    )
    sender_address = address_field(gettext_lazy("Sender’s address"), required=False)
    reply_to = address_field(gettext_lazy("Answers go to"), required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        main, band, page, text = (
            str(given.get(f"{name}_colour", "")) for name in ("main", "band", "page", "text")
        )
        if main and band and page and text:
            for name, ground, ratio in problems(Look(main=main, band=band, page=page, text=text)):
                words = _("Too pale on %(ground)s: contrast %(ratio)s, 4.5 is the least (WCAG AA).")
                shown = {"ground": ground, "ratio": f"{ratio:.1f}"}
                self.add_error(f"{name}_colour", words % shown)
        return given

    def settings(self) -> brands.BrandSettings:
        """Only after is_valid()."""
        given = {**self.cleaned_data}
        logo = given.pop("logo")
        return brands.BrandSettings(logo_id=UUID(logo) if logo else None, **given)


@require_safe
@staff_page(*READERS)
def brand_list(request: HttpRequest) -> HttpResponse:
    rows = Brand.objects.select_related("logo").defer("logo__large", "logo__small")
    context = {
        "brands": rows.filter(archived_at=None).order_by("-is_default", "name"),
        "archived": rows.exclude(archived_at=None).order_by("name")[:50],
        "may_write": account_of(request).role in WRITERS,
    }
    return render(request, "campaigns/brands.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def brand_new(request: HttpRequest) -> HttpResponse:
    initial = {
        "sender_name": settings.SENDER_NAME,
        "sender_address": settings.SENDER_ADDRESS,
        "name": settings.ORGANISATION_NAME,
    }
    form = BrandForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            brand_id = brands.create_brand(settings=form.settings(), now=timezone.now())
        except brands.CodeTaken:
            form.add_error("name", _("Another brand has this name, or an archived one had it."))
        else:
            messages.success(request, _("The brand is saved."))
            return redirect("brand-edit", brand_id)
    return _editor(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def brand_edit(request: HttpRequest, brand_id: UUID) -> HttpResponse:
    brand = get_object_or_404(Brand, id=brand_id, archived_at=None)
    form = BrandForm(request.POST or None, initial=_written(brand))
    if request.method == "POST" and form.is_valid():
        brands.change_brand(brand_id=brand_id, settings=form.settings(), now=timezone.now())
        messages.success(request, _("The brand is saved. Drafts follow it, launched mails do not."))
        return redirect("brand-edit", brand_id)
    return _editor(request, form, brand)


def _written(brand: Brand) -> dict[str, Any]:
    names = set(BrandForm.base_fields) - {"logo"}
    return {name: getattr(brand, name) for name in names} | {"logo": str(brand.logo_id or "")}


def _editor(request: HttpRequest, form: BrandForm, brand: Brand | None) -> HttpResponse:
    status = 422 if form.errors else 200
    context = {"form": form, "brand": brand, "code": brand.code if brand else ""}
    return render(request, "campaigns/brand.html", context, status=status)


@require_safe
@staff_page(*READERS)
def brand_preview(request: HttpRequest, brand_id: UUID) -> HttpResponse:
    """A ready-made newsletter in the look of a brand."""
    brand = get_object_or_404(Brand.objects.select_related("logo"), id=brand_id)
    language = "fr" if request.LANGUAGE_CODE == "fr" else "en"
    chosen = starter(f"newsletter.{language}")
    assert chosen is not None  # noqa: S101
    made = compile_content(
        mjml=chosen.mjml,
        subject="…",
        preheader="",
        language=language,
        look=brands.look_of(brand),
    )
    return mail.preview(made.parts(), view="", language=language)


@require_POST
@staff_page(*WRITERS)
def brand_act(request: HttpRequest, brand_id: UUID) -> HttpResponse:
    """Make it the default, archive it, or bring it back: `act` says which."""
    get_object_or_404(Brand, id=brand_id)
    act = request.POST.get("act", "")
    try:
        if act == "default":
            brands.make_default(brand_id=brand_id)
            messages.success(request, _("Mails that name no brand now take this one."))
        elif act == "archive":
            brands.archive_brand(brand_id=brand_id, now=timezone.now())
            messages.success(request, _("The brand is archived."))
        elif act == "restore":
            brands.restore_brand(brand_id=brand_id)
            messages.success(request, _("The brand is back."))
    except brands.DefaultStays:
        messages.error(request, _("This is the default brand. Make another one the default first."))
    except brands.NoSuchBrand:
        messages.error(request, _("This brand was archived meanwhile."))
    return redirect("brand-list")
