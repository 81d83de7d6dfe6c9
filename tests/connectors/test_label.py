"""Numbers come off photos of labels, however they lie; what is no waybill number never wins (AFT-4)."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from zxingcpp import BarcodeFormat

from connectors.files.label import read_label
from connectors.files.label_print import NEEDED, print_reader
from domain.labels import Candidate, Print, Source, Text
from domain.photos import BadPhoto
from tests.connectors.label_pictures import (
    PRODUCT,
    WAYBILL,
    badly_shot,
    bar_code,
    jpeg,
    label,
    leaning,
    plain,
    saved,
)

needs_print = pytest.mark.skipif(print_reader() is None, reason=f"{NEEDED} are not installed: make setup-ocr")
CERTAIN = Candidate("SF", WAYBILL, Source.BARCODE, 0.99)
EMPTY = label(lines=("THANK YOU",))


def never(_: Image.Image) -> list[Text]:
    pytest.fail("print was read though the bar code said it all")


@pytest.mark.parametrize("degrees", [0, 7, 25, 45, 70, 90, 130, 180, 200, 270, 315])
def test_a_bar_code_is_read_however_the_label_lies(degrees: int) -> None:
    reading = read_label(jpeg(leaning(plain(), degrees)), never)
    assert (reading.best, reading.print) == (CERTAIN, Print.NOT_NEEDED)


def test_a_leaning_bar_code_that_one_look_misreads_does_not_win_over_two_that_agree() -> None:
    """At 7 degrees one look reads another number that passes the check digit as well."""
    certain, *others = read_label(jpeg(leaning(plain(), 7)), never).candidates
    assert certain == CERTAIN
    assert all(one.confidence < 0.6 for one in others)


@pytest.mark.parametrize("degrees", [0, 5, 180])
def test_a_bar_code_is_read_off_a_bad_shot(degrees: int) -> None:
    shot = badly_shot(leaning(plain(), degrees), seed=7 + degrees)
    assert read_label(jpeg(shot), never).best == CERTAIN


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_other_formats_of_photos_are_read_too(form: str) -> None:
    assert read_label(saved(plain(), form), never).best == CERTAIN


def test_the_bar_code_of_a_product_beside_it_does_not_win() -> None:
    product = bar_code(PRODUCT, BarcodeFormat.EAN13)
    assert read_label(jpeg(label(product, bar_code(WAYBILL)))).candidates == (CERTAIN,)
    alone = read_label(jpeg(label(product)))
    assert (alone.candidates, alone.print) == ((), Print.CANNOT)


def test_a_qr_code_that_holds_the_number_counts_as_a_bar_code() -> None:
    square = bar_code(f"MMM={{'k1':'020W','k5':'{WAYBILL}','k7':'a1'}}", BarcodeFormat.QRCode)
    assert read_label(jpeg(label(square)), never).best == CERTAIN


def test_two_parcels_on_one_photo_are_both_named_and_none_is_chosen() -> None:
    other = "SF9876543210987"
    reading = read_label(jpeg(label(bar_code(WAYBILL), bar_code(other))))
    assert {one.waybill_no for one in reading.candidates} == {WAYBILL, other}
    assert reading.best is None


def test_a_photo_without_a_label_says_that_nothing_was_found() -> None:
    reading = read_label(jpeg(EMPTY), lambda _: [])
    assert (reading.candidates, reading.print) == ((), Print.READ)


def test_print_is_read_beside_a_bar_code_of_no_known_form_and_both_are_told() -> None:
    seen: list[tuple[int, int]] = []

    def reader(picture: Image.Image) -> list[Text]:
        seen.append(picture.size)
        return [Text("运单号: YT 1234 5678 90123", Source.OCR, 0.9), Text("李雷 13800138000", Source.OCR, 0.99)]

    reading = read_label(jpeg(label(bar_code("X99-123456789"))), reader)
    assert len(seen) == 1
    assert [(one.carrier, one.waybill_no) for one in reading.candidates] == [
        ("YTO", "YT1234567890123"),
        ("", "X99-123456789"),
    ]


def test_what_is_no_photo_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BadPhoto, match="no photo"):
        read_label(b"%PDF-1.7 ...", never)
    whole = jpeg(plain())
    with pytest.raises(BadPhoto, match="cut short"):
        read_label(whole[: len(whole) // 2], never)


@needs_print
def test_print_is_read_where_there_is_no_bar_code() -> None:
    words = ("No. SF 123 456 789 0123", "TEL 13800138000", "PCS 1 / 1")
    reading = read_label(jpeg(badly_shot(leaning(label(lines=words), 4), seed=4)), print_reader())
    assert reading.print is Print.READ
    assert [(one.carrier, one.waybill_no, one.source) for one in reading.candidates] == [("SF", WAYBILL, Source.OCR)]
    assert 0.5 < reading.candidates[0].confidence <= 0.95


@needs_print
def test_reading_print_calls_nobody_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """A process of its own with an empty home and nobody to call (SEC-1)."""
    (tmp_path / "label.jpg").write_bytes(jpeg(label(lines=(WAYBILL,))))
    (tmp_path / "home").mkdir()
    code = (
        "import sys; called = []; calls = {'socket.connect', 'socket.getaddrinfo', 'socket.sendto', 'socket.sendmsg'}\n"
        "sys.addaudithook(lambda name, args: called.append(name) if name in calls else None)\n"
        "from connectors.files.label import read_label; from connectors.files.label_print import print_reader\n"
        f"print(read_label(open({str(tmp_path / 'label.jpg')!r}, 'rb').read(), print_reader()).best.waybill_no)\n"
        "assert not called, called"
    )
    environment = {"HOME": str(tmp_path / "home"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{WAYBILL}\n", "")
    assert list((tmp_path / "home").iterdir()) == []
