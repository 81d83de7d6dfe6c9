"""`oms portal link` and `oms stock place return-address` (AFT-1)."""

import re

import pytest

from store.database import Database
from store.keyring import KeyRing
from store.portal_access import LinkState, PortalAccess
from tests.clients.worlds import Oms
from tests.conftest import NOON
from tests.store.builders import apply, key, order, stocked, value


async def test_a_link_is_printed_with_the_public_address_and_opens_the_order(
    oms: Oms, database: Database, cli_ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stocked(database, cli_ring, A=1)
    await apply(database, cli_ring, order())
    monkeypatch.setenv("OMS_PORTAL_URL", "https://orders.example/")
    code, said = await oms("portal", "link", key(), "--actor", "alice")
    found = re.search(r"https://orders\.example/portal/l/(\S+)", said)
    assert (code, bool(found), "within 3 days" in said) == (0, True, True)
    assert found
    assert await PortalAccess(database, cli_ring).link(found[1], NOON) is LinkState.GOOD
    assert await value(database, "SELECT made_by FROM portal_link") == "alice"
    assert found[1] not in str(await value(database, "SELECT digest FROM portal_link"))


async def test_an_unknown_order_and_an_empty_address_are_refused_in_words(
    oms: Oms, database: Database, cli_ring: KeyRing
) -> None:
    await stocked(database, cli_ring, A=1)
    code, said = await oms("portal", "link", "own:demo:NOPE")
    assert (code, "no order own:demo:NOPE" in said) == (2, True)
    code, said = await oms("stock", "place", "return-address", "GZ", "  ")
    assert (code, "1 to 200 characters" in said) == (2, True)
    code, said = await oms("stock", "place", "return-address", "NOPE", "x")
    assert (code, "no place 'NOPE'" in said) == (2, True)
    code, said = await oms("stock", "place", "return-address", "GZ", "退货组 020-1 广州市 1 号")
    assert (code, "退货组" in said) == (0, True)
    assert await value(database, "SELECT return_address FROM warehouse WHERE code = 'GZ'") == "退货组 020-1 广州市 1 号"
