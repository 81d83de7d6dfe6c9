"""Long runs of the demo, from several seeds. Left to `make soak`."""

from pathlib import Path

import pytest

from tests.journeys import test_demo


@pytest.mark.soak
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_three_hundred_orders_of_each_seed_are_proven(
    tmp_path: Path, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_demo, "SECONDS", 1200)
    ended = test_demo.run_demo(tmp_path / "data", "--count", "300", "--seed", seed)
    assert ended.exit_code == 0, ended.output
