"""From an upload to what a mail program is served, and nothing of who asked."""

import logging
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from campaigns import services
from campaigns.content.compile import compile_content
from campaigns.images import library, public_views
from campaigns.models import Image, PublishedImage
from tests.campaigns import cast
from tests.campaigns.content.pieces import mail
from tests.campaigns.images.pictures import moving, opened, picture
from tests.campaigns.measurement import cast as measured
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def kept(data: bytes | None = None, *, alt: str = "A red square") -> Image:
    image_id = library.add_image(
        uploaded=picture("JPEG", size=(1400, 700)) if data is None else data,
        name="Square",
        alt=alt,
        is_decorative=not alt,
        actor_id=None,
        now=NOW,
    )
    return Image.objects.get(id=image_id)


def test_a_picture_is_served_for_ever_once_the_worker_has_published_it(public_side: Client) -> None:
    image = kept()
    path = library.path_of(image)
    assert public_side.get(path).status_code == 404
    assert services.publish_images(now=NOW) == 1
    assert services.publish_images(now=NOW) == 0
    for address, width in ((path, 1200), (library.path_of(image, width=600), 600)):
        got = public_side.get(address)
        assert got.status_code == 200
        assert opened(got.content).width == width
        assert got.headers["Content-Type"] == "image/jpeg"
        assert got.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert not got.cookies
        assert "Cookie" not in got.headers.get("Vary", "")
    assert public_side.head(path).status_code == 200
    assert public_side.post(path).status_code == 405


def test_the_public_role_reads_published_pictures_and_cannot_write_one(public_side: Client) -> None:
    image = kept()
    services.publish_images(now=NOW)
    with measured.as_public_role():
        assert public_side.get(library.path_of(image)).status_code == 200
        with pytest.raises(Exception, match="permission denied"):
            PublishedImage.objects.create(name_hash=b"x", extension="gif", content=b"x")


@pytest.mark.parametrize(
    "name",
    [
        "x.jpg",
        "../../etc/passwd",
        "%2e%2e%2fetc%2fpasswd",
        "A" * 22 + ".svg",
        "A" * 22 + ".html",
        "A" * 22 + ".jpg",
        "A" * 22 + "-601.jpg",
        "A" * 22 + ".jpg\n",
        "'; SELECT 1--.jpg",
        "é" * 22 + ".jpg",
    ],
)
def test_other_names_find_nothing(public_side: Client, name: str) -> None:
    kept()
    services.publish_images(now=NOW)
    got = public_side.get(f"/media/{name}")
    assert got.status_code == 404


def test_who_fetches_a_picture_is_noted_nowhere(
    public_side: Client, caplog: pytest.LogCaptureFixture
) -> None:
    image = kept()
    services.publish_images(now=NOW)
    with caplog.at_level(logging.DEBUG):
        public_side.get(library.path_of(image), REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="Spy/1")
    assert "203.0.113.9" not in caplog.text
    assert image.token not in caplog.text


def test_while_intake_is_away_a_picture_is_asked_for_later(
    public_side: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def away(_work: object) -> None:
        raise OperationalError

    monkeypatch.setattr(public_views, "on_intake", away)
    got = public_side.get(f"/media/{'A' * 22}.jpg")
    assert (got.status_code, got.headers["Retry-After"]) == (503, "60")


def test_the_same_file_is_kept_once_and_comes_back_from_the_archive() -> None:
    first = kept()
    library.archive_image(image_id=first.id, now=NOW)
    assert first.id not in {each.id for each in library.shelf()}
    again = kept(alt="Other words")
    assert (again.id, again.alt, again.archived_at) == (first.id, "A red square", None)
    assert Image.objects.count() == 1


def test_what_the_public_side_has_lost_comes_back(public_side: Client) -> None:
    image = kept()
    services.publish_images(now=NOW)
    PublishedImage.objects.all().delete()
    assert services.publish_missing_images(now=NOW) == 1
    assert services.publish_missing_images(now=NOW) == 0
    assert public_side.get(library.path_of(image)).status_code == 200


@pytest.mark.parametrize(("alt", "is_decorative"), [("", False), ("  ", False), ("Words", True)])
def test_a_picture_has_words_or_is_decoration(alt: str, is_decorative: bool) -> None:
    with pytest.raises(library.NoAlternative):
        library.add_image(
            uploaded=picture(), name="x", alt=alt, is_decorative=is_decorative, actor_id=None,
            now=NOW,
        )  # fmt: skip
    image = kept()
    with pytest.raises(IntegrityError):
        Image.objects.filter(id=image.id).update(alt="", is_decorative=False)


def test_it_says_where_it_is_in_use() -> None:
    image = kept()
    assert library.uses_of(image) == []
    source = mail(f'<mj-image src="{library.path_of(image)}" alt="x" />')
    campaign = cast.draft(mjml=source)
    assert [(use.kind, use.id) for use in library.uses_of(image)] == [("campaign", campaign)]


def test_a_mail_holds_its_public_address_and_a_preview_the_picture_itself() -> None:
    image = kept()
    source = mail(f'<mj-image src="{library.path_of(image)}" alt="x" />')
    made = compile_content(mjml=source, subject="x", preheader="", language="en")
    assert f"http://127.0.0.1:8100{library.path_of(image)}" in made.html or (
        library.path_of(image) in made.html
    )
    campaign = cast.draft(mjml=source)
    page = desk.read(browser(), "campaign-preview", campaign)
    assert "data:image/jpeg;base64," in page
    assert image.token not in page


def upload(client: Client, data: bytes, **words: str) -> object:
    answers = {"name": "Logo", "alt": "Our logo", **words}
    file = SimpleUploadedFile("x.svg.png", data, content_type="text/html")
    return client.post(reverse("image-new"), {**answers, "file": file})


def test_a_person_adds_describes_and_archives_a_picture() -> None:
    client = browser()
    done = upload(client, picture("PNG"))
    image = Image.objects.get()
    assert done.headers["Location"] == reverse("image", args=[image.id])  # type: ignore[attr-defined]
    assert image.created_by == UUID(client.session["_auth_user_id"])
    html = desk.read(client, "image", image.id)
    assert library.path_of(image) in html
    assert desk.offences(html) == []
    got = client.get(reverse("image-file", args=[image.id]))
    assert opened(got.content).size == (80, 60)
    client.post(
        reverse("image", args=[image.id]), {"name": "New", "alt": "", "is_decorative": "on"}
    )
    image.refresh_from_db()
    assert (image.name, image.alt, image.is_decorative) == ("New", "", True)
    client.post(reverse("image-archive", args=[image.id]))
    assert "No picture yet" in desk.read(client, "image-list")
    assert "New" in client.get(reverse("image-list") + "?archived=1").content.decode()
    client.post(reverse("image-restore", args=[image.id]))
    assert "New" in desk.read(client, "image-list")


@pytest.mark.parametrize(
    ("data", "words", "expected"),
    [
        (b"<svg/>", {}, "This is not a JPEG, PNG, WebP or GIF picture that opens."),
        (picture(), {"alt": ""}, "Say what the picture shows"),
        (picture(), {"alt": "x", "is_decorative": "on"}, "Say what the picture shows"),
        (picture(), {"name": ""}, "This field is required."),
        (moving(101, size=(2, 2)), {}, "At most 100 frames"),
        (b"x" * (8 * 1024 * 1024 + 10), {}, "at most 8 MB"),
    ],
)
def test_what_cannot_be_added_is_said(data: bytes, words: dict[str, str], expected: str) -> None:
    answer = upload(browser(), data, **words)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert expected in desk.plain(answer.content.decode())  # type: ignore[attr-defined]
    assert not Image.objects.exists()


def test_the_next_page_begins_where_this_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "PAGE_SIZE", 2)
    names = [kept(picture(colour=(n, 0, 0)), alt=f"Picture {n}").alt for n in range(3)]
    client = browser()
    first = client.get(reverse("image-list"))
    assert [image.alt for image in first.context["images"]] == names[:0:-1]
    last = first.context["last"]
    second = client.get(reverse("image-list"), {"before": str(last)})
    assert [image.alt for image in second.context["images"]] == names[:1]
    assert client.get(reverse("image-list"), {"before": "nonsense"}).status_code == 200


def test_a_block_takes_its_picture_and_what_it_says_from_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(library, "CHOICE_SIZE", 2)
    client = browser()
    assert "No picture yet" in desk.read(client, "image-choice")
    one, two, three = [kept(picture(colour=(n, 0, 0)), alt=f"No {n} & <b>") for n in range(3)]
    html = desk.read(client, "image-choice")
    assert desk.offences(html) == []
    choice = BeautifulSoup(html, "html.parser")
    found = [
        (str(each["data-campaigns-picture"]), str(each["data-alt"]))
        for each in choice.select("[data-campaigns-picture]")
    ]
    assert found == [(library.path_of(each), each.alt) for each in (three, two)]
    later = client.get(reverse("image-choice"), {"before": str(two.id)}).content.decode()
    assert library.path_of(one) in later
    assert library.path_of(two) not in later
    library.archive_image(image_id=three.id, now=NOW)
    assert library.path_of(three) not in desk.read(client, "image-choice")
    added = client.post(reverse("mail-blocks"), {"mode": "blocks", "do": "add:image:0"})
    button = BeautifulSoup(added.content, "html.parser").select_one("[data-campaigns-choose]")
    assert button is not None
    assert button["hx-get"] == reverse("image-choice")
