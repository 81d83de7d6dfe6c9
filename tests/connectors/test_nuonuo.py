"""Nuonuo: the published signature, what a draft asks for, and what its codes mean (FIN-7)."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connectors.invoices.nuonuo import DRAFT, NuonuoClerk, signature
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.invoices import RedLetterAsk, RedLine, refuse_blue
from domain.shops import Role, Shop
from tests.connectors.worlds import NOW

KEY, SECRET = "SD12345678", "DE3D30A7B5324E1B"
SHOP = Shop(
    "nuonuo", "tax", Role.INVOICES, "Asia/Shanghai", "CNY", "http://nuonuo.example/open/v1/services", KEY, (SECRET,),
    {"tax_no": "91440000TEST", "seller_name": "某某公司"}, sealed={"access_token": "token-1"},
)  # fmt: skip
ASK = RedLetterAsk("E2611220001", "T1", "2" * 20)
CODE = "1040201000000000000"
PART = (RedLine(2, "短袖", 3, 20700, 1300, CODE),)


def test_the_signature_is_the_published_one() -> None:
    once = {"senid": "0f2a1b3c4d5e6f708192a3b4c5d6e7f8", "nonce": "12345678", "timestamp": "1732262400"}
    body = '{"order":{"orderNo":"OMS202611220001","buyerName":"张三"}}'.encode()
    assert signature(SECRET, KEY, once, body) == "kmaUfRSgSFqF2HlP34XguRWZBj0="


async def test_a_draft_names_the_blue_invoice_and_is_never_issued_by_itself() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"code": "E0000", "describe": "ok", "result": None})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        assert await NuonuoClerk(SHOP, http, lambda: NOW).draft(ASK) == "E2611220001"
    request = seen[0]
    body = json.loads(request.content)
    assert (body["billId"], body["blueElecInvoiceNumber"], body["autoInvoice"]) == ("E2611220001", "2" * 20, "0")
    once = {name: request.url.params[name] for name in ("senid", "nonce", "timestamp")}
    assert (len(once["senid"]), len(once["nonce"])) == (32, 8)
    assert request.headers["x-nuonuo-sign"] == signature(SECRET, KEY, once, request.content)
    assert (request.headers["method"], request.headers["accesstoken"]) == (DRAFT, "token-1")


async def test_a_part_names_its_lines_with_negative_amounts_and_the_tax_apart() -> None:
    """The whole names none: detail is for a part only."""
    seen: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(200, json={"code": "E0000", "describe": "ok", "result": None})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await NuonuoClerk(SHOP, http, lambda: NOW).draft(replace(ASK, lines=PART))
        await NuonuoClerk(SHOP, http, lambda: NOW).draft(ASK)
    assert seen[0]["detail"] == [
        {
            "blueDetailIndex": "2", "goodsName": "短袖", "num": "-3", "taxExcludedPrice": "61.06333333",
            "taxExcludedAmount": "-183.19", "taxAmount": "-23.81", "taxRate": "0.13", "goodsCode": CODE,
        }
    ]  # fmt: skip
    assert "detail" not in seen[1]


@pytest.mark.parametrize(
    ("status", "told", "error"),
    [
        (200, {"code": "E9106", "describe": "duplicate"}, None),
        (200, {"code": "E9613", "describe": "20 a day"}, RateLimited),
        (200, {"code": "070304", "describe": "token"}, Broken),
        (200, {"code": "E1234", "describe": "red before"}, Refused),
        (200, ["no"], Broken),
        (503, {}, Unavailable),
    ],
)
async def test_every_code_has_a_meaning(status: int, told: object, error: type[OmsError] | None) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=told))
    async with httpx.AsyncClient(transport=transport) as http:
        clerk = NuonuoClerk(SHOP, http, lambda: NOW)
        if error is None:
            assert await clerk.draft(ASK) == ASK.bill_no
            return
        with pytest.raises(error):
            await clerk.draft(ASK)


def test_a_blue_invoice_has_twenty_digits() -> None:
    assert refuse_blue("2" * 20) == ""
    assert "it has 20 digits" in refuse_blue("12")


async def test_an_account_without_its_token_says_what_to_set() -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(Broken, match="has no access_token: set it"):
            await NuonuoClerk(replace(SHOP, sealed={}), http, lambda: NOW).draft(ASK)
