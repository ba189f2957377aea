"""The shell of the UI in a real browser."""

import pytest

pytestmark = pytest.mark.slow


def test_the_port_shows_the_ui(page, server):
    page.goto(server.base_url)
    page.get_by_role("navigation", name="Pages").wait_for()
    assert page.title() == "Corral"


def test_the_theme_and_the_language_can_be_chosen(page, server):
    page.goto(server.base_url)
    for chosen in ("Dark", "中文"):
        page.get_by_role("button", name="Settings", exact=True).click()
        page.get_by_role("menuitemradio", name=chosen).click()
    page.get_by_role("link", name="对话", exact=True).wait_for()
    page.reload()
    page.get_by_role("link", name="对话", exact=True).wait_for()
    assert page.locator("html").get_attribute("data-theme") == "dark"
