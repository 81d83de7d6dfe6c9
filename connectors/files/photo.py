"""A buyer's photo, believed by its content alone: type, size and pixels checked, made new without EXIF (SEC-1).

Owns how the bytes of a picture are read. It stands beside the other files that strangers send us: their format is not
ours, and what is in it may be meant to harm. The kept file holds pixels and nothing else of what came.
"""

import struct
from hashlib import sha256
from io import BytesIO
from zlib import error as ZlibError

from PIL import Image, ImageOps, UnidentifiedImageError

from domain.photos import JPEG, BadPhoto, Photo, PhotoFault, PhotoLimits

FORMATS = ("JPEG", "PNG", "WEBP")
"""A JPEG with a second picture behind it, as some phones write (MPO), counts by its first one."""
QUALITY = 88
WHITE = "white"
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, ZlibError)
"""What the decoder raises about damaged pictures, as its documentation and trials with damaged files have it."""
HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif"})
DEFAULT = PhotoLimits()


def clean_photo(raw: bytes, limits: PhotoLimits = DEFAULT) -> Photo:
    """Check a photo and make it new; BadPhoto says what is wrong and what to do. Call it in a thread: it computes."""
    picture = open_photo(raw, limits)
    picture.thumbnail((limits.kept_side, limits.kept_side))
    file = BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    made = file.getvalue()
    return Photo(JPEG, picture.width, picture.height, made, sha256(made).hexdigest())


def open_photo(raw: bytes, limits: PhotoLimits = DEFAULT) -> Image.Image:
    """Give the pixels of a photo, upright, in three colours; nothing is decoded before its size is known."""
    if not raw:
        raise BadPhoto(PhotoFault.EMPTY, limits)
    if len(raw) > limits.most_bytes:
        raise BadPhoto(PhotoFault.TOO_LARGE, limits)
    if raw[4:8] == b"ftyp" and raw[8:12] in HEIC_BRANDS:
        raise BadPhoto(PhotoFault.HEIC, limits)
    try:
        return _decoded(raw, limits)
    except UnidentifiedImageError:
        raise BadPhoto(PhotoFault.NO_PHOTO, limits) from None
    except Image.DecompressionBombError:
        raise BadPhoto(PhotoFault.TOO_MANY_PIXELS, limits) from None
    except UNREADABLE:
        raise BadPhoto(PhotoFault.DAMAGED, limits) from None


def _decoded(raw: bytes, limits: PhotoLimits) -> Image.Image:
    with Image.open(BytesIO(raw), formats=FORMATS) as picture:
        if picture.width * picture.height > limits.most_pixels:
            raise BadPhoto(PhotoFault.TOO_MANY_PIXELS, limits)
        picture.draft("RGB", (limits.kept_side, limits.kept_side))  # a large JPEG is decoded small at once
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        return _bare(upright)


def _bare(picture: Image.Image) -> Image.Image:
    """Keep the pixels alone, on white where they are transparent."""
    if not picture.has_transparency_data:
        picture = picture.convert("RGB")
    paper = Image.new("RGB", picture.size, WHITE)
    paper.paste(picture, mask=picture.convert("RGBA").getchannel("A") if picture.mode != "RGB" else None)
    return paper
