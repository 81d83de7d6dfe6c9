"""Who buys: invented people with real-looking names, phones and addresses. Nothing here is a known person."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from random import Random

from simulator.regions import MAINLAND, REGIONS

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁郑谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
_DOUBLE = ("欧阳", "上官", "司马", "诸葛", "尉迟", "皇甫")
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红建文俊宇轩梓涵欣怡子墨雨晨思雅浩然嘉琪"
# Receivers type anything into the name field: minority names, instructions, a whole department.
_LONG_NAMES = (
    "阿卜杜热合曼·买买提依明·吐尔逊",
    "古丽米热·阿不都克里木",
    "斯琴高娃·乌云其其格",
    "欧阳慕容婉清（请放前台，务必电话联系后派送）",
    "广州市某某信息技术有限公司采购部转王小姐收（工作日送货）",
)
# In service for people: no data-card, satellite or paging prefixes.
_PREFIXES = (
    *range(130, 140),
    *(147, 150, 151, 152, 153, 155, 156, 157, 158, 159, 166, 173, 175, 176, 177, 178),
    *(180, 181, 182, 183, 185, 186, 187, 188, 189, 191, 193, 195, 198, 199),
)
_STREETS = (
    "人民路",
    "解放大道",
    "中山北路",
    "建设三路",
    "科技南路",
    "和平街",
    "文化东路",
    "长江路",
    "学府路",
    "新华西街",
)
_ESTATES = (
    "阳光花园",
    "万科城",
    "锦绣江南",
    "碧桂园",
    "翠湖天地",
    "幸福里",
    "金域华府",
    "创业大厦",
    "绿地中心",
)
# Kept for measurements (RFC 2544), so that no log points at a real household; enough that few buyers share one.
_NET = IPv4Network("198.18.0.0/15")
LONG_NAME_SHARE = 0.03


@dataclass(frozen=True)
class Receiver:
    name: str
    phone: str
    province: str
    city: str
    district: str
    address: str


def make_receiver(source: Random, province: str | None = None) -> Receiver:
    """Invent a household; in the given province if there is one."""
    province = province or source.choice(MAINLAND)
    city = source.choice(sorted(REGIONS[province]))
    return Receiver(
        name=_name(source),
        phone=f"{source.choice(_PREFIXES)}{source.randrange(10**8):08d}",
        province=province,
        city=city,
        district=source.choice(REGIONS[province][city].split()),
        address=_street(source),
    )


def make_ip(source: Random) -> str:
    return str(_NET[source.randrange(_NET.num_addresses)])


def _name(source: Random) -> str:
    if source.random() < LONG_NAME_SHARE:
        return source.choice(_LONG_NAMES)
    surname = source.choice(_DOUBLE) if source.random() < 0.04 else source.choice(_SURNAMES)
    return surname + "".join(source.choices(_GIVEN, k=source.choice((1, 2, 2))))


def _street(source: Random) -> str:
    return (
        f"{source.choice(_STREETS)}{source.randint(1, 899)}号{source.choice(_ESTATES)}"
        f"{source.randint(1, 32)}栋{source.randint(1, 4)}单元"
        f"{source.randint(1, 30)}{source.randint(1, 6):02d}室"
    )
