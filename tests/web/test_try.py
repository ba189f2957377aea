"""The pages that try models out: compare and playground, with the programs it writes run for real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.web.steps import LONG_FORM

pytestmark = pytest.mark.slow

QUESTION = "What is the capital city of Peru?"
# What has made shells, Python and Java stumble.
TRICKY = 'It\'s "quoted" \\ $HOME `id` """ \n\ttab é 漢 \U0001f600 {x} %s'


@pytest.fixture(scope="module", autouse=True)
def brief(server):
    server.post("/api/create", {"model": "brief", "from": "pocket", "system": "Be brief.", "stream": False})
    yield
    server.request("DELETE", "/api/delete", {"model": "brief"})


def compare(page, server, prompt, **options):
    page.goto(f"{server.base_url}/#/compare")
    page.get_by_role("textbox", name="Prompt", exact=True).fill(prompt)
    for number, model in enumerate(("brief:latest", "pocket:latest"), 1):
        page.get_by_label(f"Model {number}").select_option(model)
    page.locator("details.more summary").click()
    for name, value in options.items():
        page.get_by_label(name, exact=True).fill(str(value))
    page.keyboard.press("Control+Enter")


def test_one_prompt_is_answered_side_by_side_with_times(page, context, server):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    compare(page, server, QUESTION, temperature=0, seed=7)
    columns = page.get_by_role("main").get_by_role("region")
    for number in range(2):
        columns.nth(number).get_by_text("Lima").last.wait_for()
        columns.nth(number).get_by_text("Tokens/s").wait_for()
    page.get_by_role("button", name="Compare").wait_for()
    page.get_by_role("button", name="Copy as Markdown").click()
    page.get_by_text("Copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert f"> {QUESTION}" in text
    assert "`temperature` 0, `seed` 7" in text
    assert text.count("Lima") >= 2
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    assert {"| brief:latest", "| pocket:latest"} <= set(rows)


# The same requests, whose answers must have a form that does not end by itself.
ENDLESS = """(form) => {
    const usual = window.fetch;
    window.fetch = (path, init) => {
        if (path !== '/api/chat') return usual(path, init);
        const body = { ...JSON.parse(init.body), think: false, format: form };
        return usual(path, { ...init, body: JSON.stringify(body) });
    };
}"""


def test_columns_come_and_go_and_all_stop_at_once(page, server):
    page.add_init_script(f"({ENDLESS})({json.dumps(LONG_FORM)})")
    compare(page, server, "Count.", num_predict=-1)
    page.locator(".answer", has_text="[").first.wait_for()
    page.get_by_role("button", name="Stop all").click()
    page.get_by_text("Stopped").first.wait_for()
    page.get_by_role("button", name="Compare").wait_for()
    page.get_by_role("button", name="Add a model").click()
    assert page.get_by_role("main").get_by_role("region").count() == 3
    page.get_by_role("button", name="Remove").last.click()
    assert page.get_by_role("main").get_by_role("region").count() == 2


@pytest.fixture
def playground(page, server):
    page.goto(f"{server.base_url}/#/playground")
    page.get_by_role("button", name="Send").wait_for()
    return page


def choose(page, endpoint, body=None):
    page.get_by_label("Endpoint").select_option(endpoint)
    if body is not None:
        page.get_by_role("textbox", name="Body (JSON)").fill(json.dumps(body))


def program(page, label):
    page.get_by_role("tab", name=label, exact=True).click()
    return page.locator(".programs [role=tabpanel] code").inner_text()


def test_a_request_is_sent_and_its_answer_comes_as_a_stream(playground):
    playground.get_by_role("button", name="Send").click()
    answer = playground.get_by_role("region", name="Answer")
    answer.get_by_text("The capital of Peru is Lima.").wait_for()
    answer.get_by_text("200").wait_for()
    answer.get_by_role("tab", name="headers").click()
    answer.get_by_text("content-type: application/x-ndjson").wait_for()


def test_every_endpoint_has_an_example_that_is_json(playground, server):
    described = json.loads(server.request("GET", "/openapi.json")[1])
    options = playground.get_by_label("Endpoint").locator("option").all_inner_texts()
    assert len(options) == sum(len(methods) for methods in described["paths"].values())
    for endpoint in options:
        choose(playground, endpoint)
        assert playground.locator(".problems li").count() == 0, endpoint
        assert program(playground, "curl").startswith("curl "), endpoint


def test_a_body_that_is_no_json_is_marked_and_not_sent(playground):
    playground.get_by_role("textbox", name="Body (JSON)").fill('{\n  "model": oops\n}')
    playground.get_by_role("button", name="Line 2:").wait_for()
    assert playground.get_by_role("button", name="Send").is_disabled()


def test_an_error_of_the_server_is_shown_as_it_came(playground):
    choose(playground, "POST /api/show", {"model": "<img src=x onerror=window.hit=1>"})
    playground.get_by_role("button", name="Send").click()
    answer = playground.get_by_role("region", name="Answer")
    answer.locator(".badge.warn").wait_for()
    assert playground.evaluate("window.hit") is None
    assert playground.locator("main img").count() == 0


def run(command, text=None, **env):
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **env},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


MESSAGES = [{"role": "user", "content": QUESTION}]
CHAT = {"model": "pocket", "messages": MESSAGES, "options": {"temperature": 0}}
OPENAI = {"model": "pocket", "messages": MESSAGES, "temperature": 0, "num_ctx": 2048}
# The answer is the prompt that the server made of it, with every character.
RENDERED = {
    "model": "pocket",
    "messages": [{"role": "user", "content": TRICKY}],
    "stream": False,
    "think": None,
    "_debug_render_only": True,
}


def rendered(out):
    return json.loads(out)["_debug_info"]["rendered_template"]


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("POST /api/chat", CHAT),
        ("POST /api/chat", {**CHAT, "stream": False, "think": False, "format": None}),
        ("POST /api/chat", RENDERED),
        ("POST /v1/chat/completions", OPENAI),
        ("POST /v1/chat/completions", {**OPENAI, "stream": True}),
        ("GET /api/tags", None),
        ("POST /api/show", {"model": "brief"}),
        ("POST /api/copy", {"source": "pocket", "destination": "its-a-copy"}),
        ("DELETE /api/delete", {"model": "its-a-copy"}),
    ],
    ids=[
        "chat streamed",
        "chat",
        "tricky text",
        "openai",
        "openai streamed",
        "get",
        "show",
        "copy",
        "delete",
    ],
)
def test_the_programs_for_curl_and_python_do_what_they_say(playground, server, endpoint, body):
    """They reach the server with the very body that stands in the editor."""
    choose(playground, endpoint, body)
    labels = [tab.inner_text() for tab in playground.get_by_role("tab").all()]
    labels = [label for label in labels if label == "curl" or label.startswith("Python")]
    for label in labels:
        if endpoint.startswith("DELETE"):
            server.request("POST", "/api/copy", {"source": "pocket", "destination": body["model"]})
        code = program(playground, label)
        shell = ["bash", "-e"] if label == "curl" else [sys.executable, "-"]
        out = run(shell, code)
        if body is RENDERED:
            assert TRICKY.strip() in rendered(out), label
        elif endpoint == "POST /api/chat":
            assert "Lima" in out.replace('"}', ""), label
        if endpoint == "GET /api/tags":
            assert "pocket:latest" in out
    assert len(labels) >= 2


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_the_program_for_javascript_runs(playground):
    choose(playground, "POST /api/chat", RENDERED)
    out = run(["node", "--input-type=module", "-"], program(playground, "JavaScript"))
    assert TRICKY.strip() in rendered(out)


@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no JDK")
def test_the_program_for_java_runs(playground, tmp_path):
    choose(playground, "POST /api/chat", RENDERED)
    (tmp_path / "Main.java").write_text(program(playground, "Java"), encoding="utf-8")
    assert TRICKY.strip() in rendered(run(["java", "-Dstdout.encoding=UTF-8", str(tmp_path / "Main.java")]))
