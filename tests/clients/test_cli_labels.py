"""`oms label read`: what a photo says, and how it says no; without any installation (AFT-4)."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from clients.cli.main import app
from tests.connectors.label_pictures import WAYBILL, bar_code, jpeg, label, plain


def oms(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["label", "read", *words])
    return done.exit_code, done.output


@pytest.fixture
def photo(tmp_path: Path) -> str:
    file = tmp_path / "no-name-for-a-photo.txt"
    file.write_bytes(jpeg(plain()))
    return str(file)


def test_a_photo_says_its_number_and_how_sure_that_is(photo: str) -> None:
    assert oms(photo) == (0, f"条码读出 {WAYBILL}(顺丰),可信度 99%\n")


def test_the_number_is_compared_with_those_that_are_waited_for(photo: str) -> None:
    assert oms(photo, "--expected", "SF0", "--expected", WAYBILL)[0] == 2
    code, said = oms(photo, "--expected", "YT1234567890123", "--expected", WAYBILL.lower())
    assert (code, said.splitlines()[-1].endswith("与登记的运单号一致")) == (0, True)
    assert "与登记的运单号不同" in oms(photo, "--expected", "YT1234567890123")[1]


def test_a_photo_of_two_parcels_leaves_the_choice_to_a_person(tmp_path: Path) -> None:
    file = tmp_path / "two.jpg"
    file.write_bytes(jpeg(label(bar_code(WAYBILL), bar_code("YT1234567890123"))))
    code, said = oms(str(file), "--expected", "JT1234567890123")
    assert (code, len(said.splitlines())) == (0, 3)
    assert "请选择" in said


@pytest.mark.parametrize(("raw", "told"), [(b"", "empty"), (b"%PDF", "JPEG, PNG or WebP"), (b"x" * 9_000_000, "8 MiB")])
def test_what_is_no_photo_says_so_in_one_line(tmp_path: Path, raw: bytes, told: str) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(raw)
    code, said = oms(str(file))
    assert (code, len(said.splitlines())) == (2, 1)
    assert told in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, said = oms(str(tmp_path / "none.jpg"))
    assert (code, "none.jpg cannot be read" in said) == (2, True)
