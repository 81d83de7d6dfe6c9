"""The texts on a photo of a parcel's label: bar codes first, print only where they say nothing usable (AFT-4).

Owns the order of the tries and the angles. What a waybill number is, is decided in domain/labels.py. Everything happens
on this machine; no texts but waybill numbers leave this room, for a label also bears names and addresses.
"""

from collections import Counter
from collections.abc import Callable

from PIL import Image
from zxingcpp import BarcodeFormat, TextMode, read_barcodes

from connectors.files.photo import DEFAULT, open_photo
from domain.labels import SEEN_ONCE, LabelReading, Print, Source, Text, reading_of
from domain.photos import PhotoLimits

PrintReader = Callable[[Image.Image], list[Text]]
TILTS = (0, 15, -15, 30, -30, 45)
"""Degrees; the reader itself finds codes that lean up to 10 degrees from any of the four sides."""
NUDGES = (0, 3, -3)
"""A second look must not see the same pixels, for it would make the same mistake."""
TILTED_SIDE = 1800
"""A turned picture is looked at in this size: enough for a label that fills half of it."""
PRINT_SIDE = 2000
RETAIL = frozenset(
    (
        BarcodeFormat.EAN13,
        BarcodeFormat.EAN8,
        BarcodeFormat.ISBN,
        BarcodeFormat.UPCA,
        BarcodeFormat.UPCE,
        BarcodeFormat.DataBarOmni,
        BarcodeFormat.DataBarStk,
        BarcodeFormat.DataBarStkOmni,
        BarcodeFormat.DataBarLtd,
        BarcodeFormat.DataBarExp,
        BarcodeFormat.DataBarExpStk,
    )
)
"""Formats that stand on goods; a number in them is a product, never a parcel."""


def read_label(raw: bytes, read_print: PrintReader | None = None, limits: PhotoLimits = DEFAULT) -> LabelReading:
    """Read a label; BadPhoto when it is no photo. Takes CPU time, with print some seconds: call it in a thread.

    `read_print` None: this installation reads bar codes only, and the reading says so where print was needed.
    """
    picture = open_photo(raw, limits)
    codes = _bar_codes(picture.convert("L"))
    if reading_of(codes).usable:
        return reading_of(codes)
    if read_print is None:
        return reading_of(codes, Print.CANNOT)
    picture.thumbnail((PRINT_SIDE, PRINT_SIDE))
    return reading_of([*codes, *read_print(picture)], Print.READ)


def _bar_codes(picture: Image.Image) -> list[Text]:
    """Look from ever other angles until two looks agree on a waybill number."""
    seen: Counter[str] = Counter()
    for tilt in TILTS:
        for nudge in NUDGES:
            seen.update(_look(_turned(picture, tilt + nudge)))
            texts = [Text(words, Source.BARCODE, 1.0 if n > 1 else SEEN_ONCE) for words, n in seen.items()]
            if not texts or reading_of(texts).usable:
                break
        if reading_of(texts).usable:
            break
        picture.thumbnail((TILTED_SIDE, TILTED_SIDE))
    return texts


def _turned(picture: Image.Image, degrees: int) -> Image.Image:
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255) if degrees else picture


def _look(picture: Image.Image) -> set[str]:
    found = read_barcodes(picture, text_mode=TextMode.Plain)
    return {code.text for code in found if code.valid and code.format not in RETAIL}
