"""Clients that others wrote sign and seal as we do, whatever is asked (issue 9, acceptance 2).

They are no dependency of ours: `make check-sdks` installs them beside the project and runs this, with a seed that it
shows. Where a client can do less than the platform asks for, the requests are made to fit it, and the place says so.
"""

import json
import sys
import types
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from domain.errors import Forged
from simulator.platforms import wechatshop_wire
from tests.layout.house import pyproject

pytestmark = pytest.mark.sdk
FRESH = settings(derandomize=False, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
FROM_3_12 = "xiaohongshu-ecommerce"

NAMES = st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40)
PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
SECONDS = st.integers(1, 4_000_000_000).map(str)
JSON = st.dictionaries(NAMES, st.integers() | WORDS | st.booleans(), max_size=6)


def client(name: str) -> Any:
    """Load a part of one of the clients; without them this file has nothing to compare with."""
    return pytest.importorskip(name, reason="make check-sdks brings the clients")


def wanted() -> dict[str, str]:
    pins = [one.partition(";")[0].strip() for one in pyproject()["dependency-groups"]["sdk"] if "==" in one]
    return dict(one.split("==", 1) for one in pins)


def test_every_client_is_here_in_the_version_that_was_asked_for() -> None:
    here = {name for name in wanted() if name != FROM_3_12 or sys.version_info >= (3, 12)}
    assert {name: metadata.version(name) for name in here} == {name: wanted()[name] for name in here}
    assert len(here) >= 11


@FRESH
@given(st.dictionaries(NAMES, WORDS, min_size=1, max_size=12), SECRETS)
def test_taobao_signs_alike(params: dict[str, str], secret: str) -> None:
    params.pop("sign", None)
    told = {**params, "sign_method": "md5"}
    assert client("taobao_open.api.base").sign(secret, told) == top_sign.sign(told, b"", secret)


@FRESH
@given(SECRETS, NAMES, NAMES, st.integers(1, 4_000_000_000_000))
def test_taobaos_messages_are_connected_to_alike(secret: str, app_key: str, group: str, millis: int) -> None:
    theirs = client("tmcpy.client").TmcClient.create_sign
    told = SimpleNamespace(app_secret=secret, app_key=app_key, group_name=group)
    named = f"app_key{app_key}group_name{group}timestamp{millis}".encode()
    assert theirs(told, millis) == top_sign.SIGNERS["md5"](secret.encode(), named).hex().upper()


@FRESH
@given(st.dictionaries(NAMES, PLAIN, min_size=1, max_size=8), SECRETS)
def test_two_clients_of_jd_sign_alike(params: dict[str, str], secret: str) -> None:
    # Neither signs anything beyond Latin letters, and one leaves out what begins with @, which no call of ours has.
    told = {name: value.lstrip("@") for name, value in params.items()}
    ours = jd_sign.sign(told, secret)
    assert client("jd.api.base").sign(secret, told) == ours
    other = client("pyjos.client").JdClient()
    other.app_secret = secret
    assert other.generate_sign(told) == ours


@FRESH
@given(st.dictionaries(NAMES, WORDS, min_size=1, max_size=12), SECRETS)
def test_pinduoduo_signs_alike(params: dict[str, str], secret: str) -> None:
    params.pop("sign", None)
    assert client("pdd_sdk.api.base").sign(secret, params) == pdd_sign.sign(params, secret)


@FRESH
@given(NAMES, SECRETS, NAMES, JSON, SECONDS)
def test_douyin_signs_alike_and_takes_what_we_push(app: str, secret: str, method: str, told: Any, second: str) -> None:
    doudian = client("doudian")
    theirs = doudian.DouDian(app, secret, doudian.AppType.TOOL)
    text = douyin_sign.canonical(told)
    assert theirs._sign(method, text, second) == douyin_sign.sign(app, secret, method, text, second)
    body = json.dumps([told]).encode()
    headers = {"app-id": app, "event-sign": douyin_sign.event_sign(app, secret, body)}
    assert theirs.callback(headers, body) == [told]
    assert theirs.callback(headers, body + b" ") is None


@pytest.mark.skipif(sys.version_info < (3, 12), reason="this client wants Python 3.12: make check-sdks SDK_PYTHON=...")
@FRESH
@given(NAMES, NAMES, SECONDS, st.sampled_from(["1.0", "2.0"]), SECRETS)
def test_xiaohongshu_signs_alike(method: str, app: str, second: str, version: str, secret: str) -> None:
    theirs = client("xiaohongshu_ecommerce.signing").build_signature
    told = theirs(method=method, app_id=app, timestamp=second, version=version, app_secret=secret)
    assert told == xhs_sign.sign(method, app, second, version, secret)


@FRESH
@given(st.dictionaries(NAMES, WORDS, min_size=1, max_size=8), SECRETS, st.sampled_from(kuaishou_sign.METHODS))
def test_kuaishou_signs_alike(params: dict[str, str], secret: str, method: str) -> None:
    signature, kinds = client("kwaixiaodian.auth.signature"), client("kwaixiaodian.auth.types")
    manager = signature.SignatureManager(kinds.AuthConfig("app", "app-secret", secret))
    told = {**params, "signMethod": method}
    asked = SimpleNamespace(sign_method=method, to_dict=lambda: told)
    ours = kuaishou_sign.sign(told, secret)
    assert manager.sign_request(asked) == ours
    assert manager.verify_signature(told, ours)
    assert not manager.verify_signature({**told, "more": "x"}, ours)


AES_KEYS = st.text(
    st.sampled_from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), min_size=42, max_size=42
)


@FRESH
@given(WORDS, NAMES, AES_KEYS, NAMES, SECONDS, NAMES)
def test_wechat_seals_and_signs_alike_both_ways(
    text: str, token: str, key: str, appid: str, second: str, nonce: str
) -> None:
    crypto, whole = client("wechatpy.crypto"), key + "A"
    theirs = crypto.WeChatCrypto(token, whole, appid)
    sealed = theirs.encrypt_message(text, nonce, second)
    inner = client("xmltodict").parse(sealed)["xml"]
    assert wechatshop_crypt.sign(token, second, nonce, inner["Encrypt"]) == inner["MsgSignature"]
    assert wechatshop_crypt.unseal(inner["Encrypt"], whole, appid).decode() == text
    with pytest.raises(Forged):
        wechatshop_crypt.unseal(inner["Encrypt"], whole, appid + "x")
    ours = wechatshop_wire.seal(text.encode(), whole, appid, b"0123456789abcdef")
    shown = wechatshop_crypt.sign(token, second, nonce, ours)
    assert theirs.decrypt_message({"Encrypt": ours}, shown, second, nonce) == text
    with pytest.raises(Exception, match="signature"):
        theirs.decrypt_message({"Encrypt": ours}, "0" * 40, second, nonce)
    client("wechatpy.utils").check_signature(token, wechatshop_crypt.sign(token, second, nonce), second, nonce)


# The client joins lists of its own, whose names end in [].
@FRESH
@given(st.dictionaries(NAMES, WORDS, min_size=1, max_size=8), SECRETS)
def test_shopifys_authorisation_is_signed_alike(query: dict[str, str], secret: str) -> None:
    session = client("shopify.session").Session
    session.secret = secret
    ours = shopify_sign.callback_sign(secret, query)
    assert session.calculate_hmac(query) == ours
    query.pop("hmac", None)
    assert session.validate_hmac({**query, "hmac": shopify_sign.callback_sign(secret, query)})
    assert not session.validate_hmac({**query, "hmac": ours[:-1] + chr(ord(ours[-1]) ^ 1)})


@pytest.fixture
def shopee(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client asks for a browser's driver as it is loaded, and needs it only to log in."""
    driver = types.ModuleType("selenium")
    driver.webdriver = types.ModuleType("selenium.webdriver")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "selenium", driver)
    return client("pyshopee2.client").Client


@settings(FRESH, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 10**9), SECRETS, NAMES, SECONDS, NAMES, st.integers(1, 10**12))
def test_shopee_signs_alike(
    shopee: Any, partner: int, key: str, path: str, second: str, token: str, shop_id: int
) -> None:
    theirs = SimpleNamespace(partner_id=partner, partner_key=key, access_token=token, shop_id=shop_id)
    where = f"/api/v2/order/{path}"
    ours = shopee_sign.sign(key, str(partner), where, second, f"{token}{shop_id}")
    assert shopee._api_sign(theirs, where, second) == ours
    assert shopee._api_short_sign(theirs, where, second) == shopee_sign.sign(key, str(partner), where, second)
