"""The console while the core needs all there is: reports and downloads wait, and say so (INT-15)."""

from types import SimpleNamespace
from typing import Any, cast

from markupsafe import Markup

from clients.console.frame import Desk, no_download, when_calm
from clients.console.watch import News


def desk(*, surge: bool) -> Desk:
    return cast(Desk, SimpleNamespace(watch=SimpleNamespace(news=News(surge=surge))))


async def test_a_report_is_not_made_during_a_surge_and_is_afterwards() -> None:
    made: list[Any] = []

    async def report() -> Markup:
        made.append(1)
        return Markup("figures")

    assert "高峰保护" in await when_calm(desk(surge=True), report)()
    assert not made, "nothing was asked of the database"
    assert await when_calm(desk(surge=False), report)() == "figures"


def test_a_download_is_asked_to_come_again() -> None:
    refused = no_download(desk(surge=True))
    assert refused is not None
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
    assert no_download(desk(surge=False)) is None
