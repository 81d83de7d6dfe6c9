"""A photo is believed by its content alone, and kept without anything but its pixels (AFT-1, SEC-1)."""

import random
import struct
import zlib
from hashlib import sha256
from io import BytesIO

import pytest
from PIL import Image

from connectors.files.photo import clean_photo
from domain.photos import JPEG, BadPhoto, PhotoFault, PhotoLimits
from tests.connectors.label_pictures import GPS, MAKER, ORIENTATION, jpeg, plain, saved

SMALL = PhotoLimits(most_bytes=200_000, most_pixels=2_000_000, kept_side=500)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG of some kilobytes that says it has side × side pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def tattling() -> Image.Exif:
    """What a phone writes into a photo: where it was taken, with what, which side is up."""
    exif = Image.Exif()
    exif[MAKER], exif[ORIENTATION] = "PhoneMaker", 6
    exif.get_ifd(GPS).update({1: "N", 2: (23.0, 7.0, 48.0), 3: "E", 4: (113.0, 15.0, 36.0)})
    return exif


def opened(raw: bytes) -> Image.Image:
    return Image.open(BytesIO(raw))


def test_place_and_camera_are_gone_and_the_photo_stands_upright() -> None:
    raw = jpeg(plain(), exif=tattling())
    assert opened(raw).getexif().get_ifd(GPS)
    photo = clean_photo(raw)
    kept = opened(photo.jpeg_bytes)
    assert not kept.getexif()
    assert "exif" not in kept.info
    assert b"PhoneMaker" not in photo.jpeg_bytes
    assert b"Exif" not in photo.jpeg_bytes
    wide, high = opened(raw).size
    assert (photo.width, photo.height) == kept.size == (high, wide)
    assert (photo.mime, kept.format, photo.sha256) == (JPEG, "JPEG", sha256(photo.jpeg_bytes).hexdigest())


def test_the_same_photo_sent_twice_is_the_same_photo() -> None:
    raw = jpeg(plain())
    assert clean_photo(raw) == clean_photo(raw)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
def test_the_type_is_what_the_content_is(form: str) -> None:
    photo = clean_photo(saved(plain(), form))
    assert opened(photo.jpeg_bytes).format == "JPEG"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_becomes_three_colours(mode: str) -> None:
    assert opened(clean_photo(saved(Image.new(mode, (30, 20)), "PNG")).jpeg_bytes).mode == "RGB"


def test_print_colours_become_screen_colours() -> None:
    raw = saved(Image.new("CMYK", (30, 20), (0, 255, 255, 0)), "JPEG")
    red, green, blue = opened(clean_photo(raw).jpeg_bytes).getpixel((9, 9))  # type: ignore[misc]
    assert red > 200 > 60 > max(green, blue)


def test_what_is_transparent_becomes_white() -> None:
    raw = saved(Image.new("RGBA", (30, 20), (0, 0, 0, 0)), "PNG")
    assert opened(clean_photo(raw).jpeg_bytes).getpixel((5, 5)) == (255, 255, 255)


def test_a_large_photo_is_kept_smaller_in_its_proportions() -> None:
    photo = clean_photo(jpeg(Image.new("L", (1600, 800))), SMALL)
    assert (photo.width, photo.height) == (500, 250)


# (what is sent, which fault it is, words that say what to do)
FAULTS = [
    (b"", PhotoFault.EMPTY, "choose it again"),
    (b"\xff\xd8" + b"x" * 200_000, PhotoFault.TOO_LARGE, "smaller"),
    (bomb(1500), PhotoFault.TOO_MANY_PIXELS, "2 million pixels"),
    (bomb(60_000), PhotoFault.TOO_MANY_PIXELS, "smaller"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", PhotoFault.HEIC, "JPEG"),
    (b"%PDF-1.7\n", PhotoFault.NO_PHOTO, "JPEG, PNG or WebP"),
    (b"<svg onload='alert(1)'/>", PhotoFault.NO_PHOTO, "whatever its name says"),
    (b"GIF89a" + b"\0" * 30, PhotoFault.NO_PHOTO, "JPEG"),
    (b"MZ" + b"\0" * 300, PhotoFault.NO_PHOTO, "no photo"),
    (jpeg(plain())[:9000], PhotoFault.DAMAGED, "take it again"),
    (saved(plain(), "PNG")[:900], PhotoFault.DAMAGED, "take it again"),
    (saved(plain(), "WEBP")[:900], PhotoFault.DAMAGED, "take it again"),
]


@pytest.mark.parametrize(("raw", "fault", "told"), FAULTS, ids=[f"{n}-{fault[1]}" for n, fault in enumerate(FAULTS)])
def test_a_photo_that_cannot_be_used_says_why_and_what_to_do(raw: bytes, fault: PhotoFault, told: str) -> None:
    with pytest.raises(BadPhoto, match=told) as caught:
        clean_photo(raw, SMALL)
    assert caught.value.fault is fault
    assert caught.value.buyer_words
    assert "{" not in caught.value.buyer_words + str(caught.value)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_damaged_anywhere_is_taken_or_refused_and_never_a_crash(form: str) -> None:
    whole = saved(plain().resize((200, 140)), form)
    print("seed 11")
    rng = random.Random(11)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(min(len(damaged), 900))] = rng.randrange(256)
        try:
            assert clean_photo(bytes(damaged), SMALL).mime == JPEG
        except BadPhoto:
            continue
