"""What a process remembers of its shops, and for how long."""

import asyncio
from dataclasses import replace

import pytest

from domain.errors import Unavailable
from domain.shops import Role, Shop, Token
from workers.shop_book import ShopBook

SHOP = Shop("own", "main", Role.SALES, "Asia/Shanghai", "CNY", "http://127.0.0.1:1", "key", ("secret",))


class Rows:
    """Rows that count how often they are read."""

    def __init__(self) -> None:
        self.shop: Shop | None = SHOP
        self.away = False
        self.read = 0

    async def find(self, vendor: str, code: str) -> Shop | None:
        self.read += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("database: away")
        return self.shop


async def test_those_who_ask_at_once_and_soon_after_read_once() -> None:
    rows = Rows()
    book = ShopBook(rows, 60.0)
    assert await asyncio.gather(*(book.find("own", "main") for _ in range(20))) == [SHOP] * 20
    rows.shop = None
    assert await book.find("own", "main") == SHOP
    assert rows.read == 1


async def test_a_row_is_read_again_when_its_time_is_over() -> None:
    rows = Rows()
    book = ShopBook(rows, 0.0)
    await book.find("own", "main")
    rows.shop = replace(SHOP, secrets=("new", "secret"))
    assert await book.find("own", "main") == rows.shop, "INT-14: a new key is used"
    rows.shop = None
    assert await book.find("own", "main") is None, "a shop that was closed is called no more"


async def test_a_shop_that_is_not_there_yet_and_a_database_that_is_away_are_asked_for_again() -> None:
    rows = Rows()
    book, rows.shop = ShopBook(rows, 60.0), None
    assert await book.find("own", "main") is None
    rows.away = True
    with pytest.raises(Unavailable):
        await book.find("own", "main")
    rows.away, rows.shop = False, SHOP
    assert await book.find("own", "main") == SHOP


async def test_a_new_token_counts_at_once() -> None:
    book = ShopBook(Rows(), 60.0)
    await book.find("own", "main")
    renewed = replace(SHOP, token=Token("fresh", "again", version=2))
    book.renewed(renewed)
    assert await book.find("own", "main") == renewed
