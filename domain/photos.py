"""Photos that buyers send: what is taken, how large, and what is wrong with one that is not (AFT-1, AFT-4, SEC-1).

Owns limits, faults and their words for buyers. Pixels are looked at in connectors/files/photo.py.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import BadInput

JPEG = "image/jpeg"
MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """How large a photo may be when it comes, and how large it is kept; sides and pixels count, not the file's name."""

    most_bytes: int = 8 * 1024 * 1024
    most_pixels: int = 50 * MEGA
    kept_side: int = 3200
    """The longer side after we made it smaller: a bar code on a label still has its narrow bars."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo made new by us: upright, without EXIF, GPS or any other company. `sha256` is of `jpeg_bytes`."""

    mime: str
    width: int
    height: int
    jpeg_bytes: bytes
    sha256: str


class PhotoFault(StrEnum):
    """Why a photo is not taken."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    HEIC = "heic"
    NO_PHOTO = "no_photo"
    DAMAGED = "damaged"


class BadPhoto(BadInput):
    """A photo that cannot be used; `fault` says why, for a page in the buyer's language."""

    def __init__(self, fault: PhotoFault, limits: PhotoLimits) -> None:
        super().__init__(MENDS[fault].format(**_figures(limits)))
        self.fault = fault
        self.buyer_words = BUYER_WORDS[fault].format(**_figures(limits))


MENDS = {
    PhotoFault.EMPTY: "the photo is empty: choose it again and send it",
    PhotoFault.TOO_LARGE: "the photo is larger than {mib} MiB: send a smaller one, or a screenshot of it",
    PhotoFault.TOO_MANY_PIXELS: "the photo has more than {mega} million pixels: send a smaller one, or a screenshot",
    PhotoFault.HEIC: "HEIC photos cannot be read: send a JPEG, or a screenshot of the photo",
    PhotoFault.NO_PHOTO: "this is no photo, whatever its name says: send a JPEG, PNG or WebP",
    PhotoFault.DAMAGED: "the photo is damaged or was cut short on its way: take it again and send it",
}
BUYER_WORDS = {
    PhotoFault.EMPTY: "照片是空的,请重新选择后上传",
    PhotoFault.TOO_LARGE: "照片超过 {mib} MB,请压缩后再传,或上传它的截图",
    PhotoFault.TOO_MANY_PIXELS: "照片超过 {mega} 百万像素,请换一张小一些的,或上传它的截图",
    PhotoFault.HEIC: "暂不支持 HEIC 照片,请改用 JPG,或上传它的截图",
    PhotoFault.NO_PHOTO: "这不是照片,请上传 JPG、PNG 或 WebP",
    PhotoFault.DAMAGED: "照片已损坏或没有传完,请重新拍摄后上传",
}


def _figures(limits: PhotoLimits) -> dict[str, str]:
    return {"mib": f"{limits.most_bytes / 2**20:g}", "mega": f"{limits.most_pixels / MEGA:g}"}
