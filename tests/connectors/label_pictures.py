"""Draws labels as couriers print them, and what a bad camera makes of them. Every name and number is made up."""

import random
from io import BytesIO

import zxingcpp
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDE, HIGH = 1000, 700
WAYBILL = "SF1234567890123"
PRODUCT = "6901234567892"
GPS, ORIENTATION, MAKER = 0x8825, 0x0112, 0x010F


def bar_code(words: str, form: zxingcpp.BarcodeFormat = zxingcpp.BarcodeFormat.Code128, scale: int = 3) -> Image.Image:
    """A bar code with quiet zones."""
    drawn = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(words, form), scale=scale)
    rows, columns = drawn.shape[:2]
    return Image.frombytes("L", (columns, rows), bytes(memoryview(drawn)))  # type: ignore[arg-type]


def label(*codes: Image.Image, lines: tuple[str, ...] = ()) -> Image.Image:
    """A white label with bar codes and lines of print below each other."""
    paper = Image.new("L", (WIDE, HIGH), 255)
    below = 30
    for code in codes:
        paper.paste(code, (30, below))
        below += code.height + 20
    pen = ImageDraw.Draw(paper)
    for line in lines:
        pen.text((60, below), line, fill=0, font=ImageFont.load_default(44))
        below += 70
    return paper


def plain(no: str = WAYBILL) -> Image.Image:
    """The usual label: a bar code, its number below, and what else stands there."""
    return label(bar_code(no), lines=(no, "TEL 13800138000  2026-11-28", "ORDER 202611280001"))


def leaning(picture: Image.Image, degrees: float) -> Image.Image:
    """Lay it askew on a grey table."""
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=200)


def badly_shot(picture: Image.Image, seed: int) -> Image.Image:
    """Blur it, dim it and sprinkle noise over it."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    noise = Image.frombytes("L", picture.size, rng.randbytes(picture.width * picture.height))
    dim = picture.filter(ImageFilter.GaussianBlur(0.9)).point(lambda value: 30 + value * 0.6)
    return Image.blend(dim, noise, 0.2)


def jpeg(picture: Image.Image, quality: int = 60, exif: Image.Exif | None = None) -> bytes:
    """Save it as a camera does."""
    file = BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality, exif=exif or Image.Exif())
    return file.getvalue()


def saved(picture: Image.Image, form: str) -> bytes:
    """Save it in another format."""
    file = BytesIO()
    picture.save(file, form)
    return file.getvalue()
