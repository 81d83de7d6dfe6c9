"""Numbers of couriers in texts, how sure they are, and whether they are the parcel that is waited for (AFT-4)."""

import pytest

from domain.errors import BadInput
from domain.labels import (
    PATTERNS,
    SEEN_ONCE,
    Candidate,
    Found,
    LabelReading,
    Print,
    Source,
    Text,
    match,
    match_words,
    reading_of,
    reading_words,
    typed_number,
    words,
)

SF = "SF1234567890123"


def code(said: str, score: float = 1.0) -> Text:
    return Text(said, Source.BARCODE, score)


def line(said: str, score: float = 0.9) -> Text:
    return Text(said, Source.OCR, score)


def numbers(*texts: Text) -> list[tuple[str, str]]:
    return [(one.carrier, one.waybill_no) for one in reading_of(texts).candidates]


# (what a bar code says, the carrier and the number in it)
FORMS = [
    (SF, "SF", SF),
    ("YT1234567890123", "YTO", "YT1234567890123"),
    ("JDVC12345678901", "JD", "JDVC12345678901"),
    ("JD0012345678901", "JD", "JD0012345678901"),
    ("JT1234567890123", "JTSD", "JT1234567890123"),
    ("EX123456789CN", "EMS", "EX123456789CN"),
    ("771234567890123", "STO", "771234567890123"),
    ("461234567890123", "YUNDA", "461234567890123"),
    ("78123456789012", "ZTO", "78123456789012"),
]


@pytest.mark.parametrize(("said", "carrier", "no"), FORMS)
def test_a_number_is_known_by_its_form_in_bars_and_in_print(said: str, carrier: str, no: str) -> None:
    assert numbers(code(said)) == [(carrier, no)]
    spaced = " ".join(said[n : n + 4] for n in range(0, len(said), 4)).lower()
    assert numbers(line(f"运单号:{spaced}")) == [(carrier, no)]


def test_only_a_form_with_a_source_counts_as_confirmed() -> None:
    assert [pattern.carrier for pattern in PATTERNS if not pattern.assumed] == ["SF"]
    (sure,), (assumed,) = reading_of([code(SF)]).candidates, reading_of([code("YT1234567890123")]).candidates
    assert (sure.confidence, assumed.confidence) == (0.99, 0.95)


@pytest.mark.parametrize(
    "said",
    ["TEL 13812345678 2026-11-28", "2026-11-28 14:55:01", "SF12345678901234", "XSF1234567890123", "广东省广州市"],
)
def test_what_is_no_number_is_none(said: str) -> None:
    assert numbers(line(said)) == []


@pytest.mark.parametrize("said", ["13812345678", "8613812345678", "http://example.cn/a", "12345", "A" * 12])
def test_a_bar_code_that_can_be_no_parcel_is_none(said: str) -> None:
    assert numbers(code(said)) == []


def test_an_unknown_form_in_bars_is_told_with_little_confidence_and_is_not_usable() -> None:
    reading = reading_of([code("X99-123456789")])
    assert reading.candidates == (Candidate("", "X99-123456789", Source.BARCODE, 0.5),)
    assert not reading.usable


def test_digits_in_a_longer_text_are_no_number_unless_they_have_a_prefix() -> None:
    assert numbers(code("HTTP://X/771234567890123")) == []
    assert numbers(code(f"{{'k5':'{SF}'}}")) == [("SF", SF)]


def test_letters_that_look_like_digits_are_mended_behind_a_prefix_with_less_confidence() -> None:
    (one,) = reading_of([line("SF12E4567890123".replace("E", "B"), 1.0), line("771Z34567890123", 1.0)]).candidates
    assert (one.waybill_no, one.confidence) == ("SF1284567890123", 0.665)


def test_a_number_read_twice_is_one_and_bars_are_surer_than_print() -> None:
    reading = reading_of([line(SF), code(SF)])
    assert reading.candidates == (Candidate("SF", SF, Source.BARCODE, 0.99),)
    assert reading_of([code(SF, SEEN_ONCE)]).candidates[0].confidence < reading_of([line(SF)]).candidates[0].confidence


def test_two_numbers_as_likely_are_a_question_for_a_person() -> None:
    assert reading_of([code(SF), code("YT1234567890123")]).best is None
    assert reading_of([code(SF), code("X99-123456789")]).best == Candidate("SF", SF, Source.BARCODE, 0.99)
    assert LabelReading(()).best is None


OTHER = "SF9999999999999"
# (what was read, the numbers we wait for, what follows, the number to propose)
MATCHES = [
    ([code(SF)], [SF], Found.EXPECTED, SF),
    ([code(SF), code(OTHER)], [SF], Found.EXPECTED, SF),
    ([code(SF)], [" sf1234 567890123 "], Found.EXPECTED, SF),
    ([code(SF), code(OTHER)], [SF, OTHER], Found.UNCLEAR, None),
    ([code(SF), code(OTHER)], [], Found.UNCLEAR, None),
    ([code(SF)], [OTHER], Found.OTHER, SF),
    ([line("SF1234567890124")], [SF], Found.NEARLY, SF),
    ([code("SF1234567890124")], [SF], Found.OTHER, "SF1234567890124"),
    ([line("李雷")], [SF], Found.NOTHING, None),
]


@pytest.mark.parametrize(("texts", "expected", "found", "no"), MATCHES)
def test_a_reading_is_compared_with_the_parcels_we_wait_for(
    texts: list[Text], expected: list[str], found: Found, no: str | None
) -> None:
    told = match(reading_of(texts), expected)
    assert (told.found, told.candidate and told.candidate.waybill_no) == (found, no)
    assert match_words(told)


def test_people_are_told_in_their_words() -> None:
    (one,) = reading_of([code(SF)]).candidates
    assert words(one) == "条码读出 SF1234567890123(顺丰),可信度 99%"
    assert match_words(match(reading_of([code(SF)]), [SF])).endswith("与登记的运单号一致")
    nothing = reading_words(LabelReading((), Print.CANNOT))
    assert nothing[0] == "没有读出运单号,请手动填写"
    assert "make setup-ocr" in nothing[1]


def test_a_number_typed_by_hand_is_tidied_or_refused_with_the_mend() -> None:
    assert typed_number(" sf1234 5678 90123\n") == SF
    for bad in ("", "12345", "没有", "ABCDEFGH", "1" * 33, "SF'; DROP"):
        with pytest.raises(BadInput, match="below the bar code"):
            typed_number(bad)
