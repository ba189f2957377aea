"""One server with the packaged model and one Chromium for all tests of the UI; a fresh context for each.

Both end with this folder: while Playwright runs, no other test could start an event loop of its own.
"""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

import pytest

from tests.helpers.server import serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_MS = 20_000


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    """A server whose store holds `pocket`."""
    with serving(tmp_path_factory.mktemp("web")) as running:
        running.post("/api/pull", {"model": "pocket", "stream": False})
        yield running


@pytest.fixture(scope="package")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser):
    """A browser without memory. No test may leave an error on the page unseen: see `page`."""
    with browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-US") as context:
        context.set_default_timeout(WAIT_MS)
        yield context


@pytest.fixture
def page(context, server):
    """A tab of `context`. Errors in scripts, and requests to any other host, fail the test."""
    page = watched(context.new_page(), server)
    yield page
    assert page.failures == []


def watched(page, server):
    """The same tab, which notes in `failures` what must never happen."""
    page.failures = []
    host = urlsplit(server.base_url).netloc
    page.on("pageerror", lambda error: page.failures.append(str(error)))
    page.on("request", lambda request: foreign(request.url, host) and page.failures.append(request.url))
    return page


def foreign(url, host):
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host
