"""What the shop sells: titles, SKUs and prices. How much lies in the warehouse follows from the plan."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.seeds import rng

# (SKU stem, title, lowest and highest price in yuan, variants)
_GOODS = (
    ("TEE-WHITE", "纯棉圆领短袖T恤 白色", (59, 159), ("M", "L")),
    ("TEE-BLACK", "重磅纯棉短袖T恤 黑色", (69, 169), ("L", "XL")),
    ("HOODIE-GREY", "加绒连帽卫衣 麻灰", (129, 299), ("M", "L")),
    ("JEANS-SLIM", "弹力修身牛仔裤 深蓝", (139, 359), ("30", "32")),
    ("SOCK-5P", "精梳棉中筒袜 五双装", (29, 69), ("A", "B")),
    ("SHOE-RUN", "轻量缓震跑步鞋", (199, 599), ("41", "42")),
    ("MUG-350", "骨瓷马克杯 350ml", (25, 89), ("WH", "BL")),
    ("TEA-PUER", "云南普洱熟茶饼 357g", (88, 388), ("2019",)),
    ("TEA-LJ", "明前龙井茶 礼盒 250g", (168, 698), ("BOX",)),
    ("NUT-MIX", "每日坚果混合装 30包", (69, 149), ("30",)),
    ("PILLOW-LTX", "天然乳胶枕 高低款", (119, 329), ("STD",)),
    ("LAMP-DESK", "护眼台灯 国AA级", (99, 299), ("WH",)),
    ("CABLE-C2C", "100W Type-C 快充数据线 1.5米", (19, 59), ("BK",)),
    ("PB-20K", "移动电源 20000mAh 双向快充", (99, 219), ("BK",)),
    ("EAR-TWS", "真无线降噪蓝牙耳机", (149, 499), ("WH",)),
    ("UMB-AUTO", "全自动晴雨两用伞", (39, 99), ("NV",)),
    ("SERUM-30", "玻尿酸补水精华液 30ml", (79, 259), ("30",)),
)
# What is sold as one and picked as several: SKU, title, units of each component.
_BUNDLES = (
    ("SET-TEA", "龙井茶配骨瓷杯 礼盒套装", {"TEA-LJ-BOX": 1, "MUG-350-WH": 2}),
    ("SET-SLEEP", "乳胶枕配护眼台灯 套装", {"PILLOW-LTX-STD": 1, "LAMP-DESK-WH": 1}),
)


_STEMS = {f"{stem}-{variant}": (stem, len(variants)) for stem, _, _, variants in _GOODS for variant in variants}


@dataclass(frozen=True)
class Product:
    sku: str
    title: str
    unit_minor: int


@dataclass(frozen=True)
class Bundle(Product):
    """A product of which no unit lies anywhere: the warehouse picks its parts."""

    parts: Mapping[str, int]


def build_bundles(catalogue: list[Product]) -> list[Bundle]:
    """Price every bundle a tenth below its parts."""
    prices = {product.sku: product.unit_minor for product in catalogue}
    return [
        Bundle(sku, title, sum(prices[part] * n for part, n in parts.items()) * 9 // 10, parts)
        for sku, title, parts in _BUNDLES
    ]


def build_catalogue(seed: int) -> list[Product]:
    """Price every variant; prices end in .90 or .00 as in a shop window."""
    products = []
    for stem, title, (low, high), variants in _GOODS:
        source = rng(seed, "price", stem)
        unit_minor = source.randint(low, high) * 100 - source.choice((0, 10))
        products += [Product(f"{stem}-{variant}", f"{title} {variant}", unit_minor) for variant in variants]
    return products


def stem_of(sku: str) -> str:
    """Give the item of which a SKU is a variant."""
    return _STEMS.get(sku, (sku, 1))[0]


def is_lone(sku: str) -> bool:
    """Tell whether a SKU is the only variant of its item."""
    return _STEMS.get(sku, (sku, 1))[1] == 1
