"""Tables whose first column is a number to be typed again: it is never cut off."""

from rich.table import Column, Table


def numbered(first: str, *names: str) -> Table:
    """Build a table."""
    return Table(Column(first, no_wrap=True), *names, box=None)
