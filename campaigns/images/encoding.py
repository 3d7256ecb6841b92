"""Makes an uploaded picture anew from its pixels: nothing of the file itself is kept.

So there is no EXIF with a place and a name in it, no colour profile, no comment, and nothing that
another program would read as a page or a script (a file can be a valid GIF and valid HTML).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from django.utils.translation import gettext as _
from PIL import Image as pillow
from PIL import ImageCms, ImageOps, ImageSequence
from PIL.Image import Image

LARGE, SMALL = 1200, 600  # a mail is 600 wide; twice that for screens with two pixels in one
LARGEST_UPLOAD = 8 * 1024 * 1024
# A picture of a few kilobytes can say that it is 100 000 by 100 000: that is refused unread.
_MOST_PIXELS = 40_000_000
_MOST_FRAMES, _MOST_PIXELS_MOVING = 100, 120_000_000
_LARGEST_RESULT = 2 * 1024 * 1024
# No other decoder is ever tried. SVG is no picture but a document with scripts and links.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
TYPES = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}


class BadImage(Exception):
    """The file cannot be used; the argument says why and what to do, in the active language."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture in its two widths. `small` is empty where the large one is not wider."""

    extension: str
    width: int
    height: int
    large: bytes
    small: bytes


def reencode(uploaded: bytes) -> Encoded:
    """Return the picture in an upload, made anew. Raises BadImage; the same bytes give the same."""
    if len(uploaded) > LARGEST_UPLOAD:
        raise BadImage(_("This file is larger than 8 MB. Save it smaller and try again."))
    try:
        with pillow.open(BytesIO(uploaded), formats=_FORMATS) as opened:
            _refuse_bomb(opened)
            if getattr(opened, "is_animated", False):
                return _moving(opened)
            return _still(opened)
    except BadImage:
        raise
    except Exception as error:
        # A decoder stops on a damaged file with any kind of exception, and none is worth more
        # words to the person who uploaded it.
        raise BadImage(_("This is not a JPEG, PNG, WebP or GIF picture that opens.")) from error


def _refuse_bomb(opened: Image) -> None:
    width, height = opened.size
    if width * height > _MOST_PIXELS:
        text = _("This picture has %(count)s million pixels; 40 is the most. Save it smaller.")
        raise BadImage(text % {"count": width * height // 1_000_000})


def _still(opened: Image) -> Encoded:
    is_photo = opened.format == "JPEG"
    picture = _bare(ImageOps.exif_transpose(_in_srgb(opened)) or opened)
    # Outlook shows no WebP.
    extension = "jpg" if is_photo or (opened.format == "WEBP" and picture.mode == "RGB") else "png"
    large = _fitted(picture, LARGE)
    small = _fitted(picture, SMALL)
    data = _written(large, extension)
    if extension == "png" and len(data) > _LARGEST_RESULT and picture.mode == "RGB":
        extension, data = "jpg", _written(large, "jpg")
    is_wider = large.width > SMALL
    return _checked(
        Encoded(extension, *large.size, data, _written(small, extension) if is_wider else b"")
    )


def _in_srgb(picture: Image) -> Image:
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA"):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        changed = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode=picture.mode
        )
    except (ImageCms.PyCMSError, OSError):
        return picture  # A broken profile: the colours as they are.
    return changed or picture


def _bare(picture: Image) -> Image:
    """The pixels alone: RGB, or RGBA where something shows through."""
    is_clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    bare = picture.convert("RGBA" if is_clear else "RGB")
    if is_clear and bare.getchannel("A").getextrema() == (255, 255):
        bare = bare.convert("RGB")
    bare.info.clear()
    return bare


def _fitted(picture: Image, width: int) -> Image:
    if picture.width <= width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    fitted = picture.resize((width, height), pillow.Resampling.LANCZOS)
    fitted.info.clear()
    return fitted


def _written(picture: Image, extension: str) -> bytes:
    out = BytesIO()
    if extension == "jpg":
        picture.convert("RGB").save(out, "JPEG", quality=82, optimize=True, progressive=True)
    else:
        picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _moving(opened: Image) -> Encoded:
    """A picture that moves stays one, small and short; Outlook shows its first frame alone."""
    if opened.format != "GIF":
        raise BadImage(_("A moving picture has to be a GIF."))
    frames: list[Image] = []
    durations: list[int] = []
    for frame in ImageSequence.Iterator(opened):
        pixels = opened.width * opened.height * (len(frames) + 1)
        if len(frames) >= _MOST_FRAMES or pixels > _MOST_PIXELS_MOVING:
            raise BadImage(_("This GIF is too long or too large. At most 100 frames are kept."))
        durations.append(max(20, int(frame.info.get("duration", 100) or 100)))
        frames.append(_fitted(_bare(frame), SMALL).convert("RGBA"))
    return _checked(Encoded("gif", *frames[0].size, _written_moving(frames, durations), b""))


def _written_moving(frames: Sequence[Image], durations: list[int]) -> bytes:
    out = BytesIO()
    frames[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        disposal=2,
        optimize=True,
    )
    return out.getvalue()


def _checked(made: Encoded) -> Encoded:
    if len(made.large) > _LARGEST_RESULT:
        raise BadImage(
            _("This picture is larger than 2 MB even when made small: few would wait for it.")
        )
    return made
