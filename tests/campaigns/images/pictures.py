"""Files as people upload them, and as attackers do."""

from io import BytesIO

from PIL import Image


def picture(
    format: str = "PNG",
    size: tuple[int, int] = (80, 60),
    mode: str = "RGB",
    colour: object = (200, 30, 30),
    **saved: object,
) -> bytes:
    out = BytesIO()
    Image.new(mode, size, colour).save(out, format, **saved)  # type: ignore[arg-type]
    return out.getvalue()


def moving(frames: int = 3, size: tuple[int, int] = (80, 60), format: str = "GIF") -> bytes:
    out = BytesIO()
    pictures = [Image.new("RGB", size, (n * 80 % 256, 90, 40)) for n in range(frames)]
    pictures[0].save(out, format, save_all=True, append_images=pictures[1:], duration=80)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))
