"""An upload is made anew from its pixels: what was hidden in the file is gone."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from campaigns.images.encoding import BadImage, reencode
from tests.campaigns.images.pictures import moving, opened, picture


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (picture("JPEG"), "jpg"),
        (picture("PNG"), "png"),
        (picture("PNG", mode="RGBA", colour=(1, 2, 3, 0)), "png"),
        (picture("PNG", mode="P", colour=3), "png"),
        (picture("PNG", mode="LA", colour=(3, 9)), "png"),
        (picture("PNG", mode="1", colour=1), "png"),
        (picture("PNG", mode="I;16", colour=9), "png"),
        (picture("WEBP"), "jpg"),
        (picture("WEBP", mode="RGBA", colour=(1, 2, 3, 0)), "png"),
        (picture("GIF"), "png"),
        (picture("JPEG", mode="CMYK", colour=(1, 2, 3, 4)), "jpg"),
        (moving(), "gif"),
    ],
)
def test_four_formats_come_in_and_three_go_out(data: bytes, expected: str) -> None:
    made = reencode(data)
    assert (made.extension, made.width, made.height) == (expected, 80, 60)
    assert opened(made.large).size == (80, 60)
    assert made.small == b""


def test_it_is_at_most_1200_wide_and_has_a_small_twin() -> None:
    made = reencode(picture("JPEG", size=(3000, 1000)))
    assert (made.width, made.height) == (1200, 400)
    assert opened(made.small).size == (600, 200)
    assert len(made.small) < len(made.large)


def test_place_camera_and_author_are_gone() -> None:
    exif = Image.Exif()
    exif[0x013B] = "Jane Secret"
    exif[0x0110] = "Camera 9"
    exif.get_ifd(0x8825)[1] = "N"
    data = picture("JPEG", exif=exif.tobytes(), comment=b"Jane Secret was here")
    assert b"Jane Secret" in data
    made = reencode(data)
    for kept in (made.large, made.small):
        assert b"Secret" not in kept
        assert b"Exif" not in kept
        assert b"Camera" not in kept
    assert not opened(made.large).getexif()


def test_words_in_a_png_are_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("Author", "Jane Secret")
    words.add_itxt("XML:com.adobe.xmp", "<x>Jane Secret</x>")
    made = reencode(picture("PNG", pnginfo=words))
    assert b"Secret" not in made.large


def test_a_picture_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = reencode(picture("JPEG", size=(80, 40), exif=exif.tobytes()))
    assert (made.width, made.height) == (40, 80)


def test_colours_of_a_profile_are_kept_and_the_profile_is_not() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = reencode(picture("PNG", icc_profile=profile))
    assert "icc_profile" not in opened(made.large).info
    broken = reencode(picture("PNG", icc_profile=b"no profile at all"))
    assert "icc_profile" not in opened(broken.large).info


SCRIPT = b"<html><script>alert(document.domain)</script></html>"


def test_a_file_that_is_also_a_page_comes_out_a_picture_alone() -> None:
    """GIFAR and its kin: valid for two programs until it is made anew."""
    gif = picture("GIF") + SCRIPT
    as_comment = moving()[:-1] + b"\x21\xfe" + bytes([len(SCRIPT)]) + SCRIPT + b"\x00;"
    jpeg = picture("JPEG") + SCRIPT
    # "GIF89a=1;" begins a script too: the width is read as bytes of it.
    for polyglot in (gif, as_comment, jpeg, picture("PNG") + b"PK\x03\x04" + SCRIPT):
        made = reencode(polyglot)
        assert b"script" not in made.large
        assert b"PK\x03\x04" not in made.large


def _png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        SVG,
        b"<?xml version='1.0'?>" + SVG,
        picture("TIFF"),
        picture("BMP"),
        picture("PDF"),
        picture("ICO"),
        picture("PPM"),
        picture("PNG")[:60],
        picture("JPEG")[:120],
        b"GIF89a" + b"\xff" * 40,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        _png_that_claims(100_000, 100_000),
        _png_that_claims(9_000, 9_000),
        moving(101, size=(2, 2)),
        moving(3, size=(7000, 6000)),
        moving(3, format="WEBP"),
        b"\0" * (8 * 1024 * 1024 + 1),
    ],
    ids=lambda data: f"{data[:8]!r}-{len(data)}",
)
def test_what_is_no_picture_of_ours_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(BadImage) as refused:
        reencode(data)
    assert str(refused.value).endswith((".", "smaller."))


def test_a_moving_picture_keeps_its_frames_and_their_time() -> None:
    made = reencode(moving(5, size=(900, 300)))
    assert (made.extension, made.width) == ("gif", 600)
    again = opened(made.large)
    assert getattr(again, "n_frames") == 5  # noqa: B009
    assert again.info["duration"] == 80


def test_one_that_stays_heavy_is_refused() -> None:
    import os

    noise = Image.frombytes("RGBA", (1200, 1200), os.urandom(1200 * 1200 * 4))
    out = BytesIO()
    noise.save(out, "PNG")
    with pytest.raises(BadImage, match="2 MB"):
        reencode(out.getvalue())
    opaque = BytesIO()
    noise.convert("RGB").save(opaque, "PNG")
    assert reencode(opaque.getvalue()).extension == "jpg"
