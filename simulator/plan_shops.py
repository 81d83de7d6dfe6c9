"""Which shop an order belongs to, what its number looks like there, and what a marketplace adds to its life."""

from dataclasses import replace

from simulator.kinds import KINDS
from simulator.orders import Act, Basket, Fate
from simulator.seeds import draw_evenly, rng
from simulator.settings import Config
from simulator.tmall_export import Row
from simulator.warehouse import SHIPPED

# 19 digits as the vendors have them; the first two keep the vendors (and replayed rows) apart.
PREFIXES = {"taobao": "42", "douyin": "69"}
# The last digits leave room for the numbers of child orders, which follow their parent's.
SILENT_ON_MONEY = frozenset({"amazon"})
"""Platforms that tell a seller's system neither of cases nor of money that went back after goods left."""
ENDS = 9_990
NEARLY_ALL = 1 - 1e-9


def replay_shop(config: Config) -> tuple[str, str] | None:
    """Give the shop through which a file is replayed with its fates: the first of Taobao's, if there is one."""
    if config.orders.file is None:
        return None
    return next(((one.vendor, one.shop) for one in config.marketplaces if one.vendor == "taobao"), None)


def choose_shop(config: Config, n: int) -> tuple[str, str]:
    """Deal the nth order to a shop by the shares; what is left over is the own shop's."""
    if (replayed := replay_shop(config)) is not None:
        return replayed
    own = ("own", config.own.shop)
    sharing = [one for one in config.marketplaces if one.share]
    if not sharing or config.orders.file is not None:
        return own
    draw = draw_evenly(config.seed, "shops", n, rng(config.seed, "shop", n))
    for one in sharing:
        if draw < one.share:
            return one.vendor, one.shop
        draw -= one.share
    # Shares of exactly 1 leave nothing but rounding.
    full = sum(one.share for one in sharing) >= NEARLY_ALL
    return (sharing[-1].vendor, sharing[-1].shop) if full else own


def order_no(config: Config, channel: str, n: int, row: Row | None) -> str:
    """Number an order as its vendor does; unique over all shops."""
    if channel in KINDS:
        return KINDS[channel].order_no(config.seed, n, rng(config.seed, "number", n).randrange(ENDS))
    if channel in PREFIXES:
        end = rng(config.seed, "number", n).randrange(ENDS)
        return row.no if row else f"{PREFIXES[channel]}{config.seed % 1_000_000:06d}{n + 1:07d}{end:04d}"
    return f"T{row.no}" if row else f"D{config.seed % 1_000_000:06d}{n + 1:05d}"


def fit_basket(channel: str, basket: Basket) -> Basket:
    """Leave in a basket what one order of this vendor holds; its discounts stay below what is left."""
    most = KINDS[channel].most_lines if channel in KINDS else len(basket.lines)
    if len(basket.lines) <= most:
        return basket
    left = replace(basket, lines=basket.lines[:most], shop_discount_minor=0, platform_discount_minor=0)
    shop = min(basket.shop_discount_minor, left.goods_minor // 4)
    platform = min(basket.platform_discount_minor, left.goods_minor // 4)
    return replace(left, shop_discount_minor=shop, platform_discount_minor=platform)


def child_no(no: str, place: int, of: int) -> str:
    """Number the child order at a place from 0: a single one has its parent's number."""
    return no if of == 1 else str(int(no) + place + 1)


def before_it_left(acts: tuple[Act, ...]) -> tuple[Act, ...]:
    """Leave out money that goes back once goods have left, or in part."""
    return tuple(act for act in acts if act.stage != SHIPPED and not act.refund_minor)


def marketplace_acts(config: Config, n: int, fate: Fate, acts: tuple[Act, ...]) -> tuple[Act, ...]:
    """Add what the platform does: it closes what nobody pays, and holds some paid orders back for a moment."""
    profile = config.profile
    if fate == "expired":
        return (*acts, Act("cancelled", profile.close_unpaid_after))
    if rng(config.seed, "forbid", n).random() >= profile.forbid_consign_share:
        return acts
    paid = next((place for place, act in enumerate(acts) if act.status == "paid"), None)
    if paid is None:
        return acts
    held = Act("paid", acts[paid].wait, held=True)
    return (*acts[:paid], held, Act("paid", profile.forbid_consign_seconds), *acts[paid + 1 :])
