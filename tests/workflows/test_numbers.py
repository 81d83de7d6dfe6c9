"""One Temporal server serves all workflow tests, so no two of them may use one order number."""

import re
from collections import defaultdict
from pathlib import Path

NUMBER = re.compile(r'order\(\s*"([A-Z][A-Za-z0-9]*)"')


def test_no_two_files_use_one_order_number() -> None:
    users: dict[str, set[str]] = defaultdict(set)
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for number in NUMBER.findall(file.read_text()):
            users[number].add(file.name)
    assert not {number: files for number, files in users.items() if len(files) > 1}
