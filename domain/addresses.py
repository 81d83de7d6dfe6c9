"""Chinese addresses in one text. Owns how one is split; what cannot be told apart stays in the street."""

import re
from dataclasses import dataclass, field

from domain.regions import ENDINGS, REGION_OF

MUNICIPALITIES = frozenset({"北京", "天津", "上海", "重庆"})

_GAP = " \t,，、-"
_CITY = re.compile(r"[^\s市区县路街号]{1,10}?(?:市|自治州|地区|盟)")
# The first sign may be any (路北区, 道里区, 镇海区); behind it these begin a street or a village.
_DISTRICT = re.compile(r"\S[^\s路街号镇乡村道]{0,11}?(?:区|县|市|旗)")


@dataclass(frozen=True, slots=True)
class Place:
    """An address by its parts, as written; city and district are empty where the text does not say."""

    province: str
    city: str = ""
    district: str = ""
    street: str = field(default="", repr=False)


def split(text: str) -> Place | None:
    """Split province, city, district and street, with or without gaps; None when it begins with no province."""
    found = _province(text.strip(_GAP))
    if found is None:
        return None
    name, province, rest = found
    city, rest = _own_city(name, rest) if name in MUNICIPALITIES else _take(_CITY, rest)
    district, rest = _take(_DISTRICT, rest)
    return Place(province, city, district, rest)


def _province(text: str) -> tuple[str, str, str] | None:
    """Give the bare name, the province as written and what follows."""
    name = next((known for known in REGION_OF if text.startswith(known)), None)
    if name is None:
        return None
    behind = text.removeprefix(name)
    ending = next((one for one in ENDINGS if behind.startswith(one)), "")
    rest = behind.removeprefix(ending)
    # 北京路 5 号 is a street: without an ending a gap, the end, a city or a district has to follow.
    if rest and not ending and rest[0] not in _GAP and not (_CITY.match(rest) or _starts_with_district(rest)):
        return None
    return name, name + ending, rest.strip(_GAP)


def _starts_with_district(text: str) -> bool:
    return text[0] not in "路街道" and _DISTRICT.match(text) is not None


def _own_city(name: str, rest: str) -> tuple[str, str]:
    """A municipality is its own city, whether the text repeats it or not."""
    city = f"{name}市"
    return city, (rest.removeprefix(city) if rest.startswith(city) else rest).strip(_GAP)


def _take(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    found = pattern.match(text)
    return (found[0], text[found.end() :].strip(_GAP)) if found else ("", text)
