"""What is read on a parcel's label: numbers, how sure we are, whether they are the parcel we wait for (AFT-4).

Owns what a waybill number looks like, the rule of confidence and the words for people. How pixels become texts is not
known here. Carrier codes are those of the warehouse system (Qimen); 极兔 has none there and goes by Kdniao's.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from domain.errors import BadInput

HAND_LENGTH = range(6, 33)
"""Characters of a waybill number typed by a person; 32 is the longest that courier services take."""
SAME_MARGIN = 0.1
"""Two numbers whose confidence is this close are a question for a person."""
MOST_CANDIDATES = 10


class Source(StrEnum):
    """How a number came off the label."""

    BARCODE = "barcode"
    OCR = "ocr"


class Print(StrEnum):
    """What became of the print on the label: not needed beside a bar code, read, or not readable here."""

    NOT_NEEDED = "not_needed"
    READ = "read"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the numbers of a carrier look like. `assumed`: seen on labels, confirmed by no document of the carrier."""

    carrier: str
    title: str
    prefix: str
    rest: str
    assumed: bool = True

    @property
    def whole(self) -> str:
        """Give the expression for the whole number."""
        return self.prefix + self.rest


PATTERNS = (
    Pattern("SF", "顺丰", "SF", r"\d{13}", assumed=False),
    Pattern("YTO", "圆通", "YT", r"\d{13}"),
    Pattern("JD", "京东", "JD[A-Z]{0,2}", r"\d{11,13}"),
    Pattern("JTSD", "极兔", "JT", r"\d{13}"),
    Pattern("EMS", "EMS", "E[A-Z]", r"\d{9}CN"),
    Pattern("STO", "申通", "", r"77\d{13}"),
    Pattern("YUNDA", "韵达", "", r"4[36]\d{13}"),
    Pattern("ZTO", "中通", "", r"7[3-9]\d{12}"),
)
"""A longer form stands before a shorter one that it might contain."""
TITLES = {pattern.carrier: pattern.title for pattern in PATTERNS}
# How sure a number is. A bar code that leans can be misread and still pass its check digit (seen), so it counts when
# two looks agree; a run of digits in print may be anything.
CONFIRMED_BARCODE, ASSUMED_BARCODE, UNKNOWN_BARCODE = 0.99, 0.95, 0.5
SEEN_ONCE = 0.6
USABLE = 0.9
MOST_OF_PRINT, BARE_DIGITS, MENDED = 0.95, 0.8, 0.7
_LOOKS_LIKE = str.maketrans("OQDILZSB", "00011258")
_DIGIT = "[0-9OQDILZSB]"
_UNKNOWN = re.compile(r"(?=.*\d{6})[A-Z0-9-]{10,24}")
_PHONE = re.compile(r"(86)?1[3-9]\d{9}")


@dataclass(frozen=True, slots=True)
class Text:
    """One text found in a picture. `score` (0 to 1) is how sure its reader is; for a bar code seen once, SEEN_ONCE."""

    words: str
    source: Source
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A waybill number that a label may bear; `carrier` is empty when no known form fits."""

    carrier: str
    waybill_no: str
    source: Source
    confidence: float


@dataclass(frozen=True, slots=True)
class LabelReading:
    """Every number that a photo may show, the likeliest first. Texts that are no waybill number are not kept."""

    candidates: tuple[Candidate, ...]
    print: Print = Print.NOT_NEEDED

    @property
    def usable(self) -> bool:
        """Say whether a number of a known form is sure, so that nothing else needs to be tried."""
        return any(one.carrier and one.confidence >= USABLE for one in self.candidates)

    @property
    def best(self) -> Candidate | None:
        """Give the number to propose; None when there is none, or two are as likely."""
        first, *others = self.candidates or (None,)
        unclear = first and any(first.confidence - one.confidence < SAME_MARGIN for one in others if one)
        return None if unclear else first


def reading_of(texts: Iterable[Text], printed: Print = Print.NOT_NEEDED) -> LabelReading:
    """Find the waybill numbers in what was read; one number read twice counts once, as its surest reading."""
    found: dict[str, Candidate] = {}
    for one in chain.from_iterable(_numbers(text) for text in texts):
        known = found.get(one.waybill_no)
        if known is None or one.confidence > known.confidence:
            found[one.waybill_no] = one
    ordered = sorted(found.values(), key=lambda one: (-one.confidence, one.waybill_no))
    return LabelReading(tuple(ordered[:MOST_CANDIDATES]), printed)


def _numbers(text: Text) -> list[Candidate]:
    words = _compact(text.words)
    found = [one for pattern in PATTERNS for one in _of_carrier(pattern, words, text)]
    if not found and text.source is Source.BARCODE and _UNKNOWN.fullmatch(words) and not _PHONE.fullmatch(words):
        return [Candidate("", words, text.source, UNKNOWN_BARCODE * text.score)]
    return found


def _of_carrier(pattern: Pattern, words: str, text: Text) -> list[Candidate]:
    if text.source is Source.BARCODE:
        # Digits alone are a number only where they are all that a bar code says; a QR code may say much more.
        hits = _within(pattern.whole, words) if pattern.prefix else re.findall(rf"\A{pattern.whole}\Z", words)
        sure = ASSUMED_BARCODE if pattern.assumed else CONFIRMED_BARCODE
        return [Candidate(pattern.carrier, no, text.source, round(sure * text.score, 3)) for no in hits]
    sure = min(text.score, MOST_OF_PRINT) * (1 if pattern.prefix else BARE_DIGITS)
    if hits := _within(pattern.whole, words):
        return [Candidate(pattern.carrier, no, text.source, round(sure, 3)) for no in hits]
    return [Candidate(pattern.carrier, no, text.source, round(sure * MENDED, 3)) for no in _mended(pattern, words)]


def _mended(pattern: Pattern, words: str) -> list[str]:
    """Read letters as the digits that they look like, where the carrier has digits; only behind a known prefix."""
    if not pattern.prefix or r"\d" not in pattern.rest:
        return []
    rough = rf"({pattern.prefix})({pattern.rest.replace(chr(92) + 'd', _DIGIT)})"
    return [hit[1] + hit[2].translate(_LOOKS_LIKE) for hit in _hits(rough, words)]


def _within(expression: str, words: str) -> list[str]:
    return [hit[0] for hit in _hits(expression, words)]


def _hits(expression: str, words: str) -> Iterator[re.Match[str]]:
    """Find it where neither letters nor digits touch it."""
    return re.finditer(rf"(?<![A-Z0-9]){expression}(?![A-Z0-9])", words)


def _compact(words: str) -> str:
    """Drop blanks, fold full-width characters and small letters: the same number, however it was set."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", words)).upper()


def typed_number(words: str) -> str:
    """Take a waybill number as a person types it to correct a reading; BadInput says what is wrong with it."""
    number = _compact(words)
    if len(number) not in HAND_LENGTH or not re.fullmatch(r"[A-Z0-9-]*\d[A-Z0-9-]*", number):
        raise BadInput(
            f"{words[:40]!r} is no waybill number: give {HAND_LENGTH.start} to {HAND_LENGTH.stop - 1} letters and "
            "digits, as they stand below the bar code"
        )
    return number


class Found(StrEnum):
    """What a reading says about the parcels that we wait for."""

    EXPECTED = "expected"
    NEARLY = "nearly"
    OTHER = "other"
    UNCLEAR = "unclear"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Match:
    """What follows from a reading. Only `expected` may be booked without a person; `candidate` is what to propose."""

    found: Found
    candidate: Candidate | None = None


def match(reading: LabelReading, expected: Iterable[str]) -> Match:
    """Compare what was read with the numbers that the buyer or the courier told us (AFT-4).

    One expected number on the label is enough, whatever else is printed there. A number in print that differs from an
    expected one by one character is proposed as that one: print is misread that way, bar codes are not.
    """
    wanted = {_compact(no): no for no in expected}
    here = [one for one in reading.candidates if one.waybill_no in wanted]
    if len(here) == 1:
        return Match(Found.EXPECTED, here[0])
    if here:
        return Match(Found.UNCLEAR)
    near = [(no, one) for one in reading.candidates for no in wanted if _misread(one, no)]
    if len(near) == 1:
        (number, one), *_ = near
        return Match(Found.NEARLY, Candidate(one.carrier, number, one.source, round(one.confidence * MENDED, 3)))
    if reading.best is not None:
        return Match(Found.OTHER, reading.best)
    return Match(Found.UNCLEAR if reading.candidates else Found.NOTHING)


def _misread(one: Candidate, wanted: str) -> bool:
    if one.source is not Source.OCR or len(one.waybill_no) != len(wanted):
        return False
    return sum(a != b for a, b in zip(one.waybill_no, wanted, strict=True)) == 1


SOURCE_WORDS = {Source.BARCODE: "条码读出", Source.OCR: "文字识别"}
FOUND_WORDS = {
    Found.EXPECTED: "与登记的运单号一致",
    Found.NEARLY: "与登记的运单号只差一位,请核对",
    Found.OTHER: "与登记的运单号不同,请核对或手动更正",
    Found.UNCLEAR: "照片上有多个可能的运单号,请选择",
    Found.NOTHING: "没有读出运单号,请手动填写",
}


def words(one: Candidate) -> str:
    """Say a number for people: how it was read, what it is, how sure that is."""
    title = TITLES.get(one.carrier, "未知快递")
    return f"{SOURCE_WORDS[one.source]} {one.waybill_no}({title}),可信度 {one.confidence:.0%}"


def match_words(found: Match) -> str:
    """Say for people what was read and what to do about it."""
    said = FOUND_WORDS[found.found]
    return f"{words(found.candidate)};{said}" if found.candidate else said


def reading_words(reading: LabelReading) -> list[str]:
    """Say a whole reading, a line per number."""
    lines = [words(one) for one in reading.candidates] or [FOUND_WORDS[Found.NOTHING]]
    if reading.print is Print.CANNOT:
        lines.append("未安装文字识别,只读了条码;安装: make setup-ocr")
    return lines
