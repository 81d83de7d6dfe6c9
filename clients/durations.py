"""Durations as people read them: a figure and the unit that fits it. Words of the units belong to who shows them."""

UNITS: tuple[tuple[str, float, float], ...] = (("s", 1.0, 60.0), ("min", 60.0, 3600.0), ("h", 3600.0, 172_800.0))
"""A unit, its seconds, and up to how many seconds it is used; what is longer is told in days."""
DAY_SECONDS = 86_400.0


def fitting(hours: float) -> tuple[str, str]:
    """Give a figure with its unit (s, min, h, d) for hours: what took seconds is not told as 0.0 hours."""
    seconds = hours * 3600
    for unit, size, most in UNITS:
        if round(seconds / size, 1) < most / size:
            return f"{seconds / size:.1f}", unit
    return f"{seconds / DAY_SECONDS:.1f}", "d"
