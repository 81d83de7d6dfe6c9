"""Every published or computed signature that we know of, in both directions (issue 9, acceptance 2).

The list of them is not part of the project; where it lies beside it, nothing on it may be without a test of its own.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors import top_sign
from connectors.platforms import (
    douyin_sign,
    jd_sign,
    kuaishou_sign,
    pdd_sign,
    shopee_sign,
    shopify_sign,
    wechatshop_crypt,
    xhs_sign,
)
from domain.errors import OmsError

Inputs = Mapping[str, Any]
HERE = Path(__file__)
OTHERS_CHOICE = {"v"}
"""Inputs that our code does not take from anybody: they are constants of its own."""


def _tmc(told: Inputs) -> str:
    # How a connection for messages is signed: the parameters between two secrets, as a form is by MD5.
    named = "".join(name + told["params"][name] for name in sorted(told["params"]))
    return top_sign.SIGNERS["md5"](told["secret"].encode(), named.encode()).hex().upper()


def _shopee(told: Inputs) -> str:
    rest = f"{told['access_token']}{told['shop_id']}" if "access_token" in told else ""
    return shopee_sign.sign(told["key"], str(told["partner_id"]), told["path"], str(told["timestamp"]), rest)


def _wechat_message(told: Inputs) -> dict[str, str]:
    parts = (told["token"], told["timestamp"], told["nonce"], told["Encrypt"])
    plain = wechatshop_crypt.unseal(told["Encrypt"], told["encoding_aes_key"], told["appid"])
    return {"msg_signature": wechatshop_crypt.sign(*parts), "plaintext": plain.decode("utf-8", "replace")}


OURS: Mapping[str, Callable[[Inputs], object]] = {
    "TOP-": lambda told: top_sign.sign(told["params"], b"", told["secret"]),
    "TMC-": _tmc,
    "JD-": lambda told: jd_sign.sign(told["params"], told["secret"]),
    "PDD-PMC-": lambda told: pdd_sign.message_path(told["client_id"], told["secret"], told["millis"]).split("/")[-1],
    "PDD-": lambda told: pdd_sign.sign(told["params"], told["secret"]),
    "DY-PUSH": lambda told: douyin_sign.event_sign(told["app_key"], told["secret"], told["body"].encode()),
    "DY-": lambda told: douyin_sign.sign(
        told["app_key"], told["secret"], told["method"], told["param_json"], told["timestamp"]
    ),
    "XHS-": lambda told: xhs_sign.sign(
        told["method"], told["appId"], told["timestamp"], told["version"], told["secret"]
    ),
    "KS-PUSH": lambda told: kuaishou_sign.opened(told["body"].encode(), told["msgSecret_b64"]).decode(
        "utf-8", "replace"
    ),
    "KS-": lambda told: kuaishou_sign.sign(told["params"], told["signSecret"]),
    "SPE-PUSH": lambda told: shopee_sign.push_sign(told["key"], told["url"], told["body"].encode()),
    "SPE-": _shopee,
    "SHP-OAUTH": lambda told: shopify_sign.callback_sign(told["secret"], told["params"]),
    "SHP-WH-": lambda told: shopify_sign.push_sign(told["secret"], told["body"].encode()),
    "WX-1": lambda told: wechatshop_crypt.sign(told["token"], told["timestamp"], told["nonce"]),
    "WX-2": _wechat_message,
}
"""How our code makes what a vector expects: by the beginning of its id, the first that fits."""


def flipped(told: Inputs) -> Iterator[tuple[str, Inputs]]:
    """Give the inputs again and again, each time with one bit of one of them changed."""
    for name, value in told.items():
        if name in OTHERS_CHOICE:
            continue
        if isinstance(value, dict):
            for inner, changed in flipped(value):
                yield f"{name}.{inner}", {**told, name: changed}
        else:
            text = str(value)
            yield name, {**told, name: chr(ord(text[0]) ^ 1) + text[1:]}


@cache
def written(file: Path) -> frozenset[str]:
    """Give every text and every bytes that a test file holds, as the interpreter joins them."""
    found = (node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant))
    return frozenset(
        one.decode(errors="replace") if isinstance(one, bytes) else one for one in found if isinstance(one, str | bytes)
    )


def claimed(vector: Mapping[str, Any]) -> bool:
    """Say whether a test file names a vector and holds what it expects."""
    expected = vector["expected"]
    wanted = expected.values() if isinstance(expected, dict) else [expected]
    named = re.compile(rf"(?<![\w-]){re.escape(vector['id'])}(?![\w-])")
    for file in HERE.parent.glob("test_*.py"):
        if file != HERE and named.search(file.read_text()) and all(one in written(file) for one in wanted):
            return True
    return False


@pytest.fixture(scope="module")
def vectors(shared: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "protocols" / "platform_vectors.json").read_text())
    assert len(found) >= 27
    return found


def test_every_vector_has_a_test_that_names_it_and_holds_its_value(vectors: list[dict[str, Any]]) -> None:
    assert [one["id"] for one in vectors if not claimed(one)] == []


def test_every_vector_is_made_by_our_code_and_by_no_other_input(vectors: list[dict[str, Any]]) -> None:
    for vector in vectors:
        ours = next(make for begin, make in OURS.items() if vector["id"].startswith(begin))
        assert ours(vector["inputs"]) == vector["expected"], vector["id"]
        for name, inputs in flipped(vector["inputs"]):
            try:
                made = ours(inputs)
            except (OmsError, ValueError, KeyError):
                continue  # refused, or an algorithm that nobody knows
            assert made != vector["expected"], (vector["id"], name)
