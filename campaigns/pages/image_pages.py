"""The image library: upload, describe, archive; and the pictures themselves, for staff pages."""

from typing import TypedDict
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.content.looks import plain_words
from campaigns.images import library
from campaigns.images.encoding import LARGEST_UPLOAD, TYPES, BadImage
from campaigns.models import Image
from campaigns.pages import READERS, WRITERS
from crm.services import FreeTextField, account_of, staff_page

_INPUT = {"class": "form-control", "autocomplete": "off"}


class _Described(forms.Form):
    """A picture has words for those who do not see it, or is decoration: one of the two."""

    name = FreeTextField(
        label=gettext_lazy("Name in the library"),
        max_length=120,
        widget=forms.TextInput(attrs=_INPUT),
    )
    alt = FreeTextField(
        label=gettext_lazy("What the picture says, for those who do not see it"),
        help_text=gettext_lazy("One sentence. Many mail programs show it instead of the picture."),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs=_INPUT),
    )
    is_decorative = forms.BooleanField(
        label=gettext_lazy("It is decoration: it says nothing that the text does not."),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def clean(self) -> dict[str, object]:
        given = super().clean() or {}
        if bool(str(given.get("alt", "")).strip()) == bool(given.get("is_decorative")):
            self.add_error(
                "alt", _("Say what the picture shows, or tick that it is decoration; not both.")
            )
        return given


class UploadForm(_Described):
    file = forms.FileField(
        label=gettext_lazy("Picture"),
        help_text=gettext_lazy("JPEG, PNG, WebP or GIF, at most 8 MB."),
        widget=forms.FileInput(
            attrs={
                "class": "form-control",
                "accept": "image/jpeg,image/png,image/webp,image/gif",
            }
        ),
        error_messages={
            # A file that is too large is not taken off the wire at all.
            "required": gettext_lazy("Choose a picture of at most 8 MB.")
        },
    )
    field_order = ("file", "name", "alt", "is_decorative")


@require_safe
@staff_page(*READERS)
def image_list(request: HttpRequest) -> HttpResponse:
    return _list(request, UploadForm())


def _list(request: HttpRequest, form: UploadForm, *, status: int = 200) -> HttpResponse:
    rows = library.shelf()
    if request.GET.get("archived"):
        rows = Image.objects.exclude(archived_at=None).defer("large", "small")
        rows = rows.order_by("-created_at", "-id")
    before = _uuid(request.GET.get("before", ""))
    context = {
        **_page_of(rows, before, library.PAGE_SIZE),
        "is_archive": bool(request.GET.get("archived")),
        "form": form,
        "may_write": account_of(request).role in WRITERS,
    }
    return render(request, "campaigns/images.html", context, status=status)


class _Page(TypedDict):
    images: list[Image]
    has_more: bool
    last: UUID | None
    is_later: bool


def _page_of(rows: QuerySet[Image], before: UUID | None, size: int) -> _Page:
    if before:
        # The ids are made of the moment (UUID version 7), so they are in the same order.
        rows = rows.filter(id__lt=before)
    page = list(rows[: size + 1])
    return {
        "images": page[:size],
        "has_more": len(page) > size,
        "last": page[:size][-1].id if page else None,
        "is_later": before is not None,
    }


@require_safe
@staff_page(*WRITERS)
def image_choice(request: HttpRequest) -> HttpResponse:
    """A fragment for the editor of blocks: pictures to choose from, with their words."""
    before = _uuid(request.GET.get("before", ""))
    page = _page_of(library.shelf(), before, library.CHOICE_SIZE)
    context = {**page, "pictures": [(each, library.path_of(each)) for each in page["images"]]}
    return render(request, "campaigns/_picture_choice.html", context)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_POST
@staff_page(*WRITERS)
def image_new(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _list(request, form, status=422)
    given = form.cleaned_data
    try:
        image_id = library.add_image(
            uploaded=given["file"].read(LARGEST_UPLOAD + 1),
            name=given["name"],
            alt=given["alt"],
            is_decorative=given["is_decorative"],
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
    except BadImage as bad:
        form.add_error("file", str(bad))
        return _list(request, form, status=422)
    messages.success(request, _("The picture is in the library."))
    return redirect("image", image_id)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*READERS)
def image_page(request: HttpRequest, image_id: UUID) -> HttpResponse:
    image = get_object_or_404(Image.objects.defer("large", "small"), id=image_id)
    may_write = account_of(request).role in WRITERS
    words = {name: getattr(image, name) for name in ("name", "alt", "is_decorative")}
    form = _Described(request.POST or None, initial=words)
    if request.method == "POST" and may_write and form.is_valid():
        library.describe_image(image_id=image_id, **form.cleaned_data)
        messages.success(request, _("The words of the picture are saved."))
        return redirect("image", image_id)
    context = {
        "image": image,
        "form": form,
        "uses": library.uses_of(image),
        "path": library.path_of(image),
        "code_alt": plain_words(image.alt),
        "may_write": may_write,
    }
    return render(request, "campaigns/image.html", context, status=422 if form.errors else 200)


@require_safe
@staff_page(*READERS)
def image_file(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """The picture for staff pages: small unless `?width=1200`."""
    image = get_object_or_404(Image, id=image_id)
    is_small = image.small and request.GET.get("width") != "1200"
    content = bytes(image.small if is_small else image.large)
    return HttpResponse(content, content_type=TYPES[image.extension])


@require_POST
@staff_page(*WRITERS)
def image_archive(request: HttpRequest, image_id: UUID) -> HttpResponse:
    get_object_or_404(Image.objects.only("id"), id=image_id)
    library.archive_image(image_id=image_id, now=timezone.now())
    messages.success(request, _("The picture is archived. Mails that hold it still show it."))
    return redirect("image-list")


@require_POST
@staff_page(*WRITERS)
def image_restore(request: HttpRequest, image_id: UUID) -> HttpResponse:
    get_object_or_404(Image.objects.only("id"), id=image_id)
    library.restore_image(image_id=image_id)
    messages.success(request, _("The picture is back in the library."))
    return redirect("image", image_id)
