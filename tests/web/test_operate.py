"""The pages for operators: what the server does, who may use it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tests.helpers.questions import long_chat
from tests.helpers.server import serving
from tests.web.conftest import watched

pytestmark = pytest.mark.slow

NASTY = "<img src=x onerror=window.hit=1>"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that wants a key for everything, captures, and has one slot; `admin` is a key of it."""
    env = {"CORRAL_OPEN": "none", "CORRAL_CAPTURE": "full", "OLLAMA_NUM_PARALLEL": "1"}
    folder = tmp_path_factory.mktemp("guarded")
    with serving(folder, env=env) as server:
        server.admin = make_key(server, "boss", "admin,infer,read,manage")
        server.headers["Authorization"] = f"Bearer {server.admin}"
        server.create("peer", "peer-suite.gguf")
        yield server


def make_key(server, name, scopes):
    command = [sys.executable, "-m", "corral.cli", "keys", "create", name, "--scope", scopes]
    return subprocess.run(command, env=server.env, capture_output=True, text=True, check=True).stdout.split()[
        0
    ]


@pytest.fixture
def visitor(context, guarded):
    page = watched(context.new_page(), guarded)
    yield page
    assert page.failures == []


def sign_in(page, key, *, keep=False):
    dialog = page.get_by_role("dialog", name="An API key is needed")
    dialog.get_by_role("textbox", name="API key").fill(key)
    dialog.get_by_role("checkbox", name="Keep the key in this browser").set_checked(keep)
    dialog.get_by_role("button", name="Sign in").click()


def test_a_key_opens_the_ui_and_is_kept_only_by_choice(visitor, guarded, context):
    visitor.goto(f"{guarded.base_url}/#/models")
    sign_in(visitor, "corral-wrongwrongwrongwrong")
    visitor.get_by_text("not valid here").wait_for()
    sign_in(visitor, guarded.admin)
    visitor.get_by_role("row", name="peer:latest").wait_for()
    assert visitor.evaluate("[...Object.values(localStorage)].join()").count("corral-") == 0
    visitor.reload()
    visitor.get_by_role("row", name="peer:latest").wait_for()
    other = context.new_page()
    other.goto(f"{guarded.base_url}/#/models")
    sign_in(other, guarded.admin, keep=True)
    other.get_by_role("row", name="peer:latest").wait_for()
    third = context.new_page()
    third.goto(f"{guarded.base_url}/#/models")
    third.get_by_role("row", name="peer:latest").wait_for()
    third.get_by_role("button", name="Settings").click()
    third.get_by_role("menuitem", name="Sign out").click()
    third.get_by_role("dialog", name="An API key is needed").wait_for()
    assert (
        third.evaluate("localStorage.getItem('corral.key') ?? sessionStorage.getItem('corral.key')") is None
    )


def test_a_key_that_may_only_ask_models_is_enough_to_chat(visitor, guarded):
    visitor.goto(guarded.base_url)
    sign_in(visitor, make_key(guarded, "asker", "infer"))
    visitor.get_by_role("textbox", name="Model").fill("peer")
    visitor.get_by_role("textbox", name="Write a message").fill("Hello")
    visitor.get_by_role("button", name="Send").click()
    visitor.get_by_role("article", name="Answer").get_by_role("button", name="Answer again").wait_for()
    assert visitor.get_by_role("alert").count() == 0
    for name in ("Models", "Compare"):
        visitor.get_by_role("link", name=name).click()
        visitor.get_by_role("alert").get_by_text('lacks the scope "read"').wait_for()


def test_keys_are_made_shown_once_and_revoked(visitor, guarded):
    visitor.goto(f"{guarded.base_url}/#/keys")
    visitor.get_by_role("main").get_by_role("button", name="Sign in").or_(
        visitor.get_by_role("dialog", name="An API key is needed")
    ).first.wait_for()
    if visitor.get_by_role("dialog").count() == 0:
        visitor.get_by_role("button", name="Sign in").click()
    sign_in(visitor, guarded.admin)
    visitor.get_by_role("button", name="Make a key").click()
    dialog = visitor.get_by_role("dialog", name="Make a key")
    dialog.get_by_role("textbox", name="Name").fill("alice")
    dialog.get_by_role("textbox", name="Requests", exact=True).fill("soon")
    dialog.get_by_role("button", name="Make a key").click()
    dialog.get_by_role("alert").wait_for()
    dialog.get_by_role("textbox", name="Requests", exact=True).fill("60/min")
    dialog.get_by_role("button", name="Make a key").click()
    secret = visitor.get_by_role("status").locator("code").inner_text()
    headers = {"Authorization": f"Bearer {secret}"}
    assert guarded.request("GET", "/api/tags", headers=headers)[0] == 200
    row = visitor.get_by_role("row", name="alice")
    row.get_by_text("60/min requests").wait_for()
    row.get_by_role("button", name="Revoke").click()
    visitor.get_by_role("dialog", name="Revoke alice?").get_by_role("button", name="Revoke").click()
    row.get_by_text("Revoked").or_(visitor.get_by_text("Revoked alice")).first.wait_for()
    visitor.get_by_role("button", name="Close").first.click()
    assert secret not in visitor.content()


def test_who_waits_and_what_was_asked_is_shown(visitor, guarded):
    visitor.add_init_script(f"sessionStorage.setItem('corral.key', '{guarded.admin}')")
    waiter = threading.Thread(
        target=guarded.request,
        args=("POST", "/api/chat", long_chat(3, messages=[{"role": "user", "content": NASTY}])),
        kwargs={"headers": {"X-Request-Id": "waiter-1"}},
    )
    with guarded.stream("/api/chat", long_chat()) as first:
        first.readline()
        waiter.start()
        visitor.goto(f"{guarded.base_url}/#/operate")
        queue = visitor.get_by_role("region", name="Queue")
        queue.get_by_role("row").filter(has_text="waiter-1").get_by_text("a free slot").wait_for()
        loaded = visitor.get_by_role("region", name="Loaded models")
        loaded.get_by_role("row", name="peer:latest").get_by_text("in use").wait_for()
    waiter.join(60)
    queue.get_by_text("Nobody waits.").wait_for()
    requests = visitor.get_by_role("region", name="Requests", exact=True)
    row = requests.get_by_role("row").filter(has_text="peer:latest").first
    row.get_by_role("button", name="Body").click()
    requests.get_by_text(NASTY).first.wait_for()
    visitor.get_by_role("figure", name="Tokens per second").locator("canvas").wait_for()
    assert visitor.locator("canvas").count() == 4
    assert visitor.evaluate("window.hit") is None
    assert visitor.locator("main img").count() == 0


def test_the_log_is_followed_filtered_and_only_text(page, server):
    page.goto(f"{server.base_url}/#/operate")
    log = page.get_by_role("log", name="Log")
    log.wait_for()
    server.request("POST", f"/api/{NASTY.replace(' ', '%20')}", {})
    log.get_by_text(NASTY).first.wait_for()
    server.request("DELETE", "/api/pulls", {"model": "nothing/here"})
    log.get_by_text("/api/pulls").last.wait_for()
    page.get_by_role("searchbox", name="Filter the log").fill("onerror")
    log.get_by_text("/api/pulls").first.wait_for(state="detached")
    page.get_by_label("Level", exact=True).select_option("error")
    log.get_by_text("No line matches.").wait_for()
    assert page.evaluate("window.hit") is None
    assert page.locator("main img").count() == 0


def test_nothing_is_asked_while_the_page_is_hidden(page, server):
    page.goto(f"{server.base_url}/#/operate")
    page.get_by_role("figure", name="Memory").wait_for()
    asked = []
    page.evaluate(
        """() => {
            Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert [url for url in asked if "/metrics" in url or "/api/ps" in url] == []


def test_bodies_are_not_shown_without_a_key_and_it_is_said_why(page, server):
    page.goto(f"{server.base_url}/#/operate")
    page.get_by_text("an API key with the scope admin is needed").wait_for()
    page.goto(f"{server.base_url}/#/keys")
    page.get_by_role("heading", name="This page needs an admin key").wait_for()


def test_the_numbers_of_the_charts_are_those_of_the_metrics(page, server):
    page.goto(server.base_url)
    text = (
        "# HELP a b\n# TYPE a counter\n"
        'a_total{model="x\\"y\\\\z",where="a,b"} 5.0\na_total{model="other"} 2.0\n'
        'h_bucket{le="0.1"} 0.0\nh_bucket{le="0.2"} 2.0\nh_bucket{le="+Inf"} 4.0\nplain 1e+06\n'
    )
    found = page.evaluate(
        """async (text) => {
            const root = document.querySelector('script[type=module]').src.replace('app.js', '');
            const { parseMetrics, total, grown, quantile } = await import(`${root}lib/prometheus.js`);
            const now = parseMetrics(text);
            const then = parseMetrics('a_total{model="other"} 1.0\\n');
            const other = { model: 'other' }, none = parseMetrics('');
            return [
                now.a_total[0].labels, total(now, 'a_total'), total(now, 'a_total', other),
                grown(then, now, 'a_total', other), grown(now, then, 'a_total'), total(now, 'plain'),
                quantile(null, now, 'h', 0.5), quantile(none, now, 'h', 0.25), quantile(none, now, 'h', 1),
            ];
        }""",
        text,
    )
    assert found[:6] == [{"model": 'x"y\\z', "where": "a,b"}, 7, 2, 1, 1, 1_000_000]
    assert found[6] is None
    assert found[7:] == pytest.approx([0.15, 0.2])
