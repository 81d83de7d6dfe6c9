"""Provinces and the seven regions in which Chinese logistics thinks. Owns the table and the folding of spellings."""

REGIONS: dict[str, tuple[str, ...]] = {
    "华北": ("北京", "天津", "河北", "山西", "内蒙古"),
    "东北": ("辽宁", "吉林", "黑龙江"),
    "华东": ("上海", "江苏", "浙江", "安徽", "福建", "江西", "山东", "台湾"),
    "华中": ("河南", "湖北", "湖南"),
    "华南": ("广东", "广西", "海南", "香港", "澳门"),
    "西南": ("重庆", "四川", "贵州", "云南", "西藏"),
    "西北": ("陕西", "甘肃", "青海", "宁夏", "新疆"),
}
ENDINGS = ("特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市")
REGION_OF = {province: region for region, provinces in REGIONS.items() for province in provinces}


def bare(province: str) -> str:
    """Fold the spellings of a province: 广东省, 广东 and 广西壮族自治区 become 广东, 广东 and 广西."""
    name = province.strip()
    for ending in ENDINGS:
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending)
    return name


def region(province: str) -> str:
    """Give the region of a province; empty for one that is not in the table (another country)."""
    return REGION_OF.get(bare(province), "")
