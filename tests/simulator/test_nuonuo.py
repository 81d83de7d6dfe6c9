"""Nuonuo, simulated: our connector's draft is taken once; a wrong key or a number that is none is not (FIN-7)."""

from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from connectors.invoices.nuonuo import NuonuoClerk
from domain.errors import Broken, Refused
from domain.invoices import RedLetterAsk
from simulator.nuonuo import Nuonuo, nuonuo_routes
from simulator.settings import Invoices
from tests.connectors.test_nuonuo import ASK, PART, SECRET, SHOP
from tests.connectors.worlds import NOW


async def test_a_draft_is_taken_once_and_what_is_wrong_is_refused() -> None:
    app = FastAPI()
    nuonuo = Nuonuo(Invoices(app_secret=SecretStr(SECRET), access_token=SecretStr("token-1")))
    app.include_router(nuonuo_routes(nuonuo))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        clerk = NuonuoClerk(SHOP, http, lambda: NOW)
        assert [await clerk.draft(ASK) for _ in range(2)] == [ASK.bill_no] * 2
        with pytest.raises(Refused, match="E9102"):
            await clerk.draft(RedLetterAsk("E2", "T2", "12"))
        part = replace(ASK, bill_no="E3", lines=PART)
        assert await clerk.draft(part) == "E3"
        with pytest.raises(Refused, match="E9103"):
            await clerk.draft(replace(part, bill_no="E4", lines=(replace(PART[0], amount_minor=0),)))
        with pytest.raises(Broken, match="070101"):
            await NuonuoClerk(replace(SHOP, secrets=("wrong",)), http, lambda: NOW).draft(ASK)
        books = (await http.get("http://nuonuo.example/books/invoices")).json()
    assert [one["billId"] for one in books["drafts"]] == [ASK.bill_no, "E3"]
