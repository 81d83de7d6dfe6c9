"""Provinces fold to one spelling and stand in one region each."""

import pytest

from domain.regions import REGION_OF, bare, region
from domain.stock import Demand, WarehouseOffer, choose_warehouse


@pytest.mark.parametrize(
    ("spelling", "name"),
    [("广东省", "广东"), ("广西壮族自治区", "广西"), ("上海市", "上海"), ("上海", "上海"), ("内蒙古自治区", "内蒙古")],
)
def test_a_province_has_one_name_however_it_is_spelt(spelling: str, name: str) -> None:
    assert bare(spelling) == name


def test_every_province_stands_in_one_region() -> None:
    assert len(REGION_OF) == 34
    assert region("浙江省") == region("上海") == "华东"
    assert region("São Paulo") == ""


def offer(code: str, province: str, rank: int, free: int = 9) -> WarehouseOffer:
    return WarehouseOffer(code, province, rank, "SF", {"A": free})


DEMAND = [Demand("1", "A", 2)]


def test_a_receiver_is_served_from_its_province_then_its_region_then_by_rank() -> None:
    offers = [offer("GZ", "广东省", 0), offer("HZ", "浙江省", 1), offer("BJ", "北京市", 2)]

    def chosen(province: str) -> str | None:
        found = choose_warehouse(offers, DEMAND, province)
        return found.code if found else None

    assert chosen("浙江") == "HZ"
    assert chosen("江苏省") == "HZ", "East China is served from East China"
    assert chosen("四川省") == "GZ", "nobody stands there: the best ranked ships"


def test_a_region_without_stock_falls_back_to_one_that_has_it() -> None:
    offers = [offer("GZ", "广东省", 0), offer("HZ", "浙江省", 1, free=1)]
    found = choose_warehouse(offers, DEMAND, "浙江省")
    assert found is not None
    assert found.code == "GZ"
