"""Sealing (SEC-1): what was sealed opens only with its key, unchanged, in its own place."""

import base64
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput, Broken
from store.keyring import KeyRing, create_keyring, load_keyring

RING = KeyRing({"k1": b"1" * 32}, "k1", b"i" * 32)
ROTATED = KeyRing({"k1": b"1" * 32, "k2": b"2" * 32}, "k2", b"i" * 32)
HERE = "contact.phone|own:demo:T1"


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_was_sealed_opens_unchanged(plain: bytes, context: str) -> None:
    assert RING.open(RING.seal(plain, context), context) == plain


def test_a_sealed_value_hides_its_text_and_is_never_the_same_twice() -> None:
    sealed = RING.seal(b"13800138000", HERE)
    assert b"13800138000" not in sealed
    assert sealed != RING.seal(b"13800138000", HERE)


def test_a_value_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(Broken, match="another row"):
        RING.open(RING.seal(b"x", HERE), "contact.phone|own:demo:T2")


@pytest.mark.parametrize("flip", [1, 128, 255])
def test_a_value_changed_anywhere_does_not_open(flip: int) -> None:
    sealed = RING.seal(b"13800138000", HERE)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= flip
        with pytest.raises(Broken):
            RING.open(bytes(changed), HERE)


def test_a_value_cut_short_does_not_open() -> None:
    sealed = RING.seal(b"13800138000", HERE)
    for length in range(len(sealed)):
        with pytest.raises(Broken):
            RING.open(sealed[:length], HERE)


def test_after_a_rotation_the_new_key_seals_and_the_old_one_still_opens() -> None:
    old, new = RING.seal(b"old", HERE), ROTATED.seal(b"new", HERE)
    assert ROTATED.open(old, HERE) == b"old"
    assert ROTATED.open(new, HERE) == b"new"
    with pytest.raises(Broken, match="'k2'"):
        RING.open(new, HERE)


def test_a_rotation_does_not_move_the_blind_index() -> None:
    assert ROTATED.blind("13800138000", "phone") == RING.blind("13800138000", "phone")


def test_empty_texts_stay_empty_and_raw_messages_come_back_byte_for_byte() -> None:
    assert RING.seal_text("", HERE) is None
    assert RING.open_text(None, HERE) == ""
    raw = bytes(range(256)) * 40
    sealed = RING.seal_raw(raw, "inbox")
    assert len(sealed) < len(raw)
    assert RING.open_raw(sealed, "inbox") == raw


@pytest.mark.parametrize("spelling", ["ABC 1", "abc 1", "  abc 1 ", "ＡＢＣ　１"])
def test_equal_values_meet_in_the_blind_index_however_they_are_written(spelling: str) -> None:
    assert RING.blind(spelling, "buyer") == RING.blind("abc 1", "buyer")


def test_the_blind_index_depends_on_value_purpose_and_key() -> None:
    same = RING.blind("a", "buyer")
    others = {RING.blind("b", "buyer"), RING.blind("a", "ip"), replace(RING, index_key=b"j" * 32).blind("a", "buyer")}
    assert len(others | {same}) == 4


def test_a_new_key_ring_is_for_its_owner_only_and_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keyring.json"
    made = create_keyring(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_keyring(path).open(made.seal(b"x", HERE), HERE) == b"x"
    assert "keys" not in repr(made)


def test_a_key_ring_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    create_keyring(path)
    before = path.read_bytes()
    with pytest.raises(BadInput, match="never overwritten"):
        create_keyring(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_ring_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keyring.json"
    create_keyring(path)
    path.chmod(mode)
    with pytest.raises(BadInput, match="chmod 600"):
        load_keyring(path)


def test_an_absent_key_ring_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="oms keyring create"):
        load_keyring(tmp_path / "none.json")


KEY = base64.b64encode(b"k" * 32).decode()
SHORT = base64.b64encode(b"k" * 16).decode()
DAMAGED: list[Any] = [
    b"",
    b"\xff\xfe{",
    b"not json",
    b"[]",
    b"null",
    {},
    {"primary": "k1", "keys": [], "index_key": KEY},
    {"primary": "k1", "keys": {"k1": 5}, "index_key": KEY},
    {"primary": ["k1"], "keys": {"k1": KEY}, "index_key": KEY},
    {"primary": "k1", "keys": {"k1": "%%%"}, "index_key": KEY},
    {"primary": "k2", "keys": {"k1": KEY}, "index_key": KEY},
    {"primary": "k1", "keys": {"k1": SHORT}, "index_key": KEY},
    {"primary": "k1", "keys": {"k1": KEY}, "index_key": SHORT},
    {"primary": "k1", "keys": {"k1": KEY}},
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_key_ring_is_refused_with_a_reason_and_without_its_content(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "keyring.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    path.chmod(0o600)
    with pytest.raises(BadInput, match="key ring") as refused:
        load_keyring(path)
    assert KEY not in str(refused.value)
