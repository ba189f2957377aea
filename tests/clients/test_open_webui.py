"""Open WebUI, unchanged, in a browser: it lists models, chats with streaming, pulls and deletes.

Too heavy for every run (5 GB to install): see docs/clients.md for how to run it and for the last result.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.helpers.questions import ANSWER, QUESTION
from tests.helpers.server import free_port, wait_until

PROGRAM = os.environ.get("TEST_OPEN_WEBUI", "")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.open_webui,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default"),
    pytest.mark.skipif(not PROGRAM, reason="TEST_OPEN_WEBUI does not name an open-webui program"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

_START_S = 300.0
_SETTINGS = {
    "WEBUI_AUTH": "False",
    "WEBUI_SECRET_KEY": "of a test",
    "ENABLE_OPENAI_API": "False",
    "OFFLINE_MODE": "True",
    "HF_HUB_OFFLINE": "1",
    "RAG_EMBEDDING_ENGINE": "ollama",
    # Its own tools are 9,600 tokens, more than the model under test can read.
    "DEFAULT_MODEL_METADATA": json.dumps({"capabilities": {"builtin_tools": False}}),
}


@contextmanager
def open_webui(folder, server):
    """The program on a free port, with a data folder of its own."""
    port = free_port()
    env = os.environ | _SETTINGS | {"DATA_DIR": str(folder), "HOME": str(folder)}
    env["OLLAMA_BASE_URL"] = server.base_url
    command = [PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(process, url), timeout_s=_START_S, message="Open WebUI does not answer")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(process, url):
    assert process.poll() is None, "Open WebUI ended at once"
    try:
        with urlopen(f"{url}/health", timeout=5) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


@pytest.fixture(scope="module")
def url(server, tmp_path_factory):
    with open_webui(tmp_path_factory.mktemp("open-webui"), server) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, url):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(url)
        news = page.get_by_role("button", name="Okay, Let's Go!")
        page.locator("#chat-input").wait_for()
        page.wait_for_timeout(1000)
        if news.is_visible():
            news.click()
        yield page


def manage(page, url):
    """The dialog that manages the models of the server."""
    page.goto(f"{url}/admin/settings/connections")
    page.get_by_role("button", name="Manage").click()
    return page.get_by_placeholder("Enter model tag (e.g. mistral:7b)")


def names(server):
    return {model["name"] for model in json.loads(server.request("GET", "/api/tags")[1])["models"]}


def test_models_are_listed(page):
    page.get_by_role("button", name="Selected model").click()
    for name in ("peer:latest", "embed:latest"):
        page.get_by_role("option", name=name).or_(page.get_by_role("button", name=name)).first.wait_for()


def test_a_question_is_answered_while_it_is_written(page, url):
    page.goto(f"{url}/?models=peer:latest")
    page.locator("#chat-input").click()
    page.keyboard.type(QUESTION)
    with page.expect_request(lambda request: "/chat/completions" in request.url) as asked:
        page.keyboard.press("Enter")
    assert json.loads(asked.value.post_data)["stream"] is True
    page.get_by_text(ANSWER).first.wait_for()


def test_a_model_is_pulled_and_deleted(page, url, server):
    tag = manage(page, url)
    tag.fill("pocket")
    tag.locator("xpath=../..").get_by_role("button").click()
    wait_until(lambda: "pocket:latest" in names(server), message="the model was not pulled")

    manage(page, url)
    chosen = page.locator("select[title='Select a model']")
    chosen.select_option("pocket:latest")
    chosen.locator("xpath=../../..").get_by_role("button").click()
    page.get_by_role("button", name="Confirm").or_(page.get_by_role("button", name="Delete")).last.click()
    wait_until(lambda: "pocket:latest" not in names(server), message="the model was not deleted")
