"""Files whose tests take longest come first, so that no worker is left alone with one at the end."""

import pytest

LONGEST = ["test_verify", "test_processes", "test_adversarial", "test_training", "test_checks", "test_wrong_answers"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))
