"""Charts as SVG made here: bars per day, and lines of a distribution. Every figure is also there as words."""

from collections.abc import Sequence

from markupsafe import Markup

from clients.console.html import Child, tag

HEIGHT = 100


def columns(points: Sequence[tuple[str, int]], label: str) -> Markup:
    """Draw one column per point; the highest, the first and the last are named below and beside."""
    most = max((n for _, n in points), default=0)
    bars = [
        tag(
            "rect",
            tag("title", f"{name}: {n}"),
            x=f"{place + 0.12:.2f}", width="0.76", class_="bar" if n else "bar none",
            y=f"{HEIGHT - _height(n, most):.1f}", height=f"{_height(n, most):.1f}",
        )
        for place, (name, n) in enumerate(points)
    ]  # fmt: skip
    box = f"0 0 {max(1, len(points))} {HEIGHT}"
    drawn = tag("svg", bars, viewBox=box, preserveAspectRatio="none", role="img", aria_label=label)
    ends: list[Child] = [tag("span", points[0][0]), tag("span", points[-1][0])] if points else []
    return tag("figure", tag("figcaption", label), drawn, tag("div", ends, class_="ends"), class_="columns")


def _height(n: int, most: int) -> float:
    return max(1.0, n * HEIGHT / most) if most and n else 1.0


def lines(items: Sequence[tuple[str, int, str]], label: str) -> Markup:
    """Draw one line per item: its words, a bar, its figure; the tone says what it means, never alone."""
    most = max((n for _, n, _ in items), default=0) or 1
    rows = [
        tag(
            "tr",
            tag("th", words, scope="row"),
            tag("td", tag("svg", tag("rect", width=f"{n * 100 / most:.1f}%", height="100%", class_=f"bar {tone}"),
                aria_hidden="true"), class_="drawn"),
            tag("td", str(n), class_="right num"),
        )
        for words, n, tone in items
    ]  # fmt: skip
    return tag("table", tag("caption", label), tag("tbody", rows), class_="lines")
