"""A browser for the tests in this folder; without one they are skipped, with one line that says how to get it."""

from pathlib import Path

import pytest
from lab_page import FLAGS, browser_path

WIDTH, HEIGHT = 1280, 1600


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium, then `course test` again")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    yield page
    page.close()


@pytest.fixture
def home(tmp_path) -> Path:
    """A fresh user's home: no settings, no caches."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder
