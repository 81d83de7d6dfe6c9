"""Addresses in one text are split by what they say; what cannot be told apart stays in the street."""

import pytest

from domain.addresses import MUNICIPALITIES, Place, split
from domain.regions import bare

ADDRESSES = [
    ("上海", Place("上海", "上海市")),
    ("内蒙古自治区", Place("内蒙古自治区")),
    ("广东省", Place("广东省")),
    ("广东省深圳市南山区科技园南路9号", Place("广东省", "深圳市", "南山区", "科技园南路9号")),
    ("广东省 深圳市 南山区 粤海街道 科技园", Place("广东省", "深圳市", "南山区", "粤海街道 科技园")),
    ("广东深圳市南山区", Place("广东", "深圳市", "南山区")),
    ("浙江省，杭州市，余杭区，文一西路 969 号", Place("浙江省", "杭州市", "余杭区", "文一西路 969 号")),
    ("北京市朝阳区建国路 1 号市场", Place("北京市", "北京市", "朝阳区", "建国路 1 号市场")),
    ("上海上海市浦东新区世纪大道1号", Place("上海", "上海市", "浦东新区", "世纪大道1号")),
    ("广西壮族自治区南宁市青秀区", Place("广西壮族自治区", "南宁市", "青秀区")),
    ("新疆维吾尔自治区巴音郭楞蒙古自治州库尔勒市", Place("新疆维吾尔自治区", "巴音郭楞蒙古自治州", "库尔勒市")),
    ("吉林省吉林市船营区", Place("吉林省", "吉林市", "船营区")),
    ("黑龙江省大兴安岭地区呼玛县", Place("黑龙江省", "大兴安岭地区", "呼玛县")),
    ("黑龙江省哈尔滨市道里区中央大街", Place("黑龙江省", "哈尔滨市", "道里区", "中央大街")),
    ("广东省东莞市长安镇乌沙社区", Place("广东省", "东莞市", "", "长安镇乌沙社区")),
    ("香港特别行政区 中环", Place("香港特别行政区", "", "", "中环")),
    (" 河南省\t郑州市 ", Place("河南省", "郑州市")),
]


@pytest.mark.parametrize(("text", "place"), ADDRESSES)
def test_an_address_is_split(text: str, place: Place) -> None:
    assert split(text) == place


@pytest.mark.parametrize("text", ["", " ", "Rua Augusta 9", "北京路 5 号", "深圳市南山区", "东京都", "请放前台"])
def test_what_begins_with_no_province_is_not_guessed(text: str) -> None:
    assert split(text) is None


@pytest.mark.parametrize("text", [text for text, place in ADDRESSES if bare(place.province) not in MUNICIPALITIES])
def test_nothing_of_an_address_is_lost_but_its_gaps(text: str) -> None:
    place = split(text)
    assert place is not None
    assert closed(place.province + place.city + place.district + place.street) == closed(text)


def closed(text: str) -> str:
    return "".join(text.replace("，", "").split())


def test_the_street_is_not_shown_by_accident() -> None:
    assert "科技园" not in repr(split("广东省深圳市南山区科技园南路9号"))
