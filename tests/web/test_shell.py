"""The shell of the UI in a real browser."""

from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.slow


def test_the_port_shows_the_ui(page, server):
    page.goto(server.base_url)
    page.get_by_role("navigation", name="Pages").wait_for()
    assert page.title() == "Corral"


def test_a_page_takes_no_address_of_another_for_its_own(page, server):
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.route("**/pages/playground.js", lambda route: page.wait_for_timeout(300) or route.continue_())
    page.goto(f"{server.base_url}/#/chat")
    page.get_by_role("textbox", name="Write a message").wait_for()
    page.evaluate("location.hash = '#/playground/elsewhere'")
    page.get_by_role("button", name="Send").wait_for()
    page.get_by_role("heading", name="Playground").wait_for()
    assert "/api/chats/elsewhere" not in asked


def test_the_theme_and_the_language_can_be_chosen(page, server):
    page.goto(server.base_url)
    for chosen in ("Dark", "中文"):
        page.get_by_role("button", name="Settings", exact=True).click()
        page.get_by_role("menuitemradio", name=chosen).click()
    page.get_by_role("link", name="对话", exact=True).wait_for()
    page.reload()
    page.get_by_role("link", name="对话", exact=True).wait_for()
    assert page.locator("html").get_attribute("data-theme") == "dark"
