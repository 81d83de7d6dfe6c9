"""The explanation of one SKU as lines of text."""

from collections.abc import Iterator

from store.reads.stock_explained import ExplainedSku


def explained(page: ExplainedSku) -> Iterator[str]:
    """Say where it lies, what is locked and kept back, and of each shop why it may sell so many."""
    for place in page.places:
        grades = f"{place.defective} defective, {place.quarantine} in quarantine, {place.in_transit} in transit"
        yield f"{place.warehouse} {place.name}: {place.good} good ({place.allocated} allocated), {grades}"
    for part in page.pools:
        share = "" if part.share_percent is None else f", shows {part.share_percent} % of the common units"
        yield f"pool {f'{part.code} {part.title}'.rstrip()}: {part.locked} locked{share}"
    for channel, units in page.safety.items():
        yield f"safety stock for {channel or 'every channel that is not core'}: {units}"
    if page.lowered_since is not None:
        yield f"live channels are shown less since {page.lowered_since:%Y-%m-%d %H:%M} UTC"
    if page.bundles:
        yield f"part of {', '.join(page.bundles)}"
    for shop in page.shops:
        yield f"{shop.channel}/{shop.shop}{f' (pool {shop.pool})' if shop.pool else ''}: {shop.quantity}"
        yield f"  {shop.sentence}"
