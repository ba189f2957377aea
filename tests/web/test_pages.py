"""What holds for every page for models and operators: it fits the screen and hinders nobody."""

from __future__ import annotations

import json
import re

import pytest

from corral.web.site import STATIC
from tests.web.axe import AXE, findings
from tests.web.conftest import watched

pytestmark = pytest.mark.slow

# Where a page is, and what is there once it is complete.
PAGES = {
    "models": ("#/models", "table"),
    "details": ("#/models/pocket%3Alatest", "dialog .facts"),
    "compare": ("#/compare", ".column"),
    "operate": ("#/operate", ".tiles ~ section .log-line"),
    "playground": ("#/playground", ".programs code"),
    "keys": ("#/keys", ".refused"),
    "tune": ("#/tune/new", ".data-files .nothing"),
}
TEXTS = {"en": json.loads((STATIC / "locales" / "en.json").read_text())}
SIZES = [(1440, 900), (1024, 768), (390, 844)]


def go(page, server, name):
    place, whole = PAGES[name]
    page.goto("about:blank")
    page.goto(f"{server.base_url}/{place}")
    page.locator(whole).first.wait_for()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is missing: npm ci --prefix tests/web/js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_hinders_people_with_other_senses(browser, server, scheme):
    # axe looks into the page in ways that its policy forbids.
    with browser.new_context(color_scheme=scheme, locale="en-US", bypass_csp=True) as context:
        page = watched(context.new_page(), server)
        for name in PAGES:
            go(page, server, name)
            assert findings(page) == [], name
        assert page.failures == []


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
def test_every_page_fits_the_screen(browser, server, size):
    with browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="en-US") as context:
        page = watched(context.new_page(), server)
        for name in PAGES:
            go(page, server, name)
            wide = page.evaluate(
                "[document.documentElement, document.querySelector('.page')]"
                ".filter((one) => one.scrollWidth > one.clientWidth + 1).length"
            )
            assert wide == 0, name


def test_every_page_has_its_texts_in_chinese(browser, server):
    """A text that is missing in a language is shown in English, one that is missing at all as its key."""
    with browser.new_context(locale="zh-CN") as context:
        page = watched(context.new_page(), server)
        for name in PAGES:
            go(page, server, name)
            shown = page.locator("main").inner_text()
            keys = [
                key
                for key in TEXTS["en"]
                if "." in key and re.search(rf"(?<![\w./]){re.escape(key)}(?![\w.])", shown)
            ]
            assert keys == [], name
            assert re.search("[\u4e00-\u9fff]", shown), name


def test_an_address_that_is_no_text_leads_to_the_chat(page, server):
    page.goto(f"{server.base_url}/#/%E0%A4%A")
    page.get_by_role("link", name="Models").wait_for()
