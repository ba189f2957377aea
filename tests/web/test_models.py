"""The page of models: fetched, made, uploaded, looked at, loaded and deleted, in a real browser."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from corral.core.manifest import MEDIA_MODEL
from tests.helpers.fake_registry import FakeRegistry, served
from tests.helpers.questions import ANSWER, chat
from tests.helpers.server import MODELS, wait_until
from tests.parity.replay import Files
from tests.web.conftest import watched

pytestmark = pytest.mark.slow

NASTY = "<img src=x onerror=window.hit=1>"


@pytest.fixture(scope="module")
def gguf():
    """The bytes of a small model that answers."""
    return Files(MODELS).data("peer-suite.gguf")


@pytest.fixture
def models(page, server):
    page.goto(f"{server.base_url}/#/models")
    page.get_by_role("row", name="pocket:latest").wait_for()
    return page


def names(server):
    return [model["name"] for model in json.loads(server.request("GET", "/api/tags")[1])["models"]]


def pulls(server):
    return json.loads(server.request("GET", "/api/pulls")[1])["pulls"]


def more(page, model, action):
    page.get_by_role("button", name=f"More for {model}").click()
    page.get_by_role("menuitem", name=action, exact=True).click()


def test_a_pull_shows_its_progress_survives_a_reload_and_brings_the_model(models, server, context, gguf):
    registry = FakeRegistry(pause_s=0.02)
    registry.add_model("team/helper:latest", [(MEDIA_MODEL, gguf)])
    with served(registry) as host:
        name = f"{host}/team/helper:latest"
        models.get_by_role("textbox", name="Name of the model to pull").fill(f"{host}/team/helper")
        models.get_by_role("checkbox", name="plain HTTP").check()
        models.get_by_role("button", name="Pull", exact=True).click()
        bar = models.get_by_role("progressbar", name=name)
        bar.wait_for()
        models.reload()
        bar.wait_for()
        other = watched(context.new_page(), server)
        other.goto(f"{server.base_url}/#/models")
        other.get_by_role("progressbar", name=name).wait_for()
        (running,) = [pull for pull in pulls(server) if pull["model"] == name]
        assert running["background"]
        wait_until(lambda: any(layer["completed"] for layer in pulls(server)[0]["layers"]))
        registry.pause_s = 0
        models.get_by_role("row", name=name).wait_for()
        models.get_by_role("article").filter(has_text=name).get_by_text("Done").wait_for()
        assert name in names(server)
        assert other.failures == []


def test_a_pull_that_fails_says_why_and_can_be_dismissed(models):
    models.get_by_role("textbox", name="Name of the model to pull").fill("127.0.0.1:1/none/here")
    models.get_by_role("button", name="Pull", exact=True).click()
    models.get_by_text("connection refused").wait_for()
    models.get_by_role("button", name="Dismiss the pull of 127.0.0.1:1/none/here:latest").click()
    models.get_by_text("connection refused").wait_for(state="detached")


def test_a_pull_can_be_stopped_and_keeps_what_has_come(models, server, gguf):
    registry = FakeRegistry(pause_s=0.05)
    registry.add_model("team/slow:latest", [(MEDIA_MODEL, gguf + bytes(8_000_000))])
    with served(registry) as host:
        name = f"{host}/team/slow:latest"
        server.request("POST", "/api/pulls", {"model": name, "insecure": True})
        models.get_by_role("button", name=f"Stop the pull of {name}").click()
        models.get_by_role("article").filter(has_text=name).get_by_text("Stopped").wait_for()
        (pull,) = [pull for pull in pulls(server) if pull["model"] == name]
        assert pull["result"] == "stopped"


def test_an_uploaded_gguf_becomes_a_model_that_answers(models, server, gguf, tmp_path):
    file = tmp_path / "My Upload.gguf"
    file.write_bytes(gguf)
    models.get_by_label("Upload").and_(models.locator("input")).set_input_files(file)
    dialog = models.get_by_role("dialog", name="Create a model")
    dialog.get_by_text("Uploaded").wait_for()
    assert dialog.get_by_role("textbox", name="Name").input_value() == "my-upload"
    dialog.get_by_role("button", name="Create").click()
    models.get_by_role("row", name="my-upload:latest").wait_for()
    assert server.post("/api/chat", chat("my-upload", stream=False))["message"]["content"] == ANSWER


# Files that are made in the page: what is dropped cannot come from outside it.
DROP = """([size, name]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(size)], name));
    const drop = new DragEvent('drop', { dataTransfer: data, bubbles: true });
    document.querySelector('.models').dispatchEvent(drop);
}"""


def test_a_dropped_file_is_uploaded_and_one_that_is_left_leaves_nothing(models, server, context):
    slow = context.new_cdp_session(models)
    slow.send("Network.enable")
    speed = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    slow.send("Network.emulateNetworkConditions", speed)
    size = 3_000_000
    models.evaluate(DROP, [size, "left.gguf"])
    models.get_by_role("progressbar", name="left.gguf").wait_for()
    models.get_by_role("button", name="Cancel").click()
    folder = server.models / "blobs"
    wait_until(lambda: not [file for file in folder.iterdir() if not file.name.startswith("sha256-")])
    digest = hashlib.sha256(bytes(size)).hexdigest()
    assert server.request("HEAD", f"/api/blobs/sha256:{digest}")[0] == 404


def test_a_modelfile_shows_its_errors_while_it_is_written_and_then_makes_a_model(models, server):
    models.get_by_role("button", name="Create").click()
    dialog = models.get_by_role("dialog", name="Create a model")
    dialog.get_by_role("textbox", name="Name").fill("brief")
    text = dialog.get_by_role("textbox", name="Modelfile")
    text.fill("FROM pocket\nPARAMETER warmth 1\n")
    dialog.get_by_text("unknown parameter 'warmth'").wait_for()
    assert dialog.get_by_role("button", name="Create").is_disabled()
    dialog.get_by_role("button", name="Line 2:").click()
    assert text.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)") == (
        "PARAMETER warmth 1"
    )
    text.fill("FROM pocket\nPARAMETER temperature 0.3\nSYSTEM Be brief.\n")
    dialog.get_by_role("button", name="Create").click()
    models.get_by_role("row", name="brief:latest").wait_for()
    shown = server.post("/api/show", {"model": "brief"})
    assert (shown["system"], "temperature" in shown["parameters"]) == ("Be brief.", True)


def test_a_model_is_copied_shown_and_deleted(models, server):
    more(models, "pocket:latest", "Copy…")
    models.get_by_role("textbox", name="New name").fill("twin")
    models.get_by_role("dialog").get_by_role("button", name="Copy").click()
    models.get_by_role("link", name="twin:latest").click()
    dialog = models.get_by_role("dialog", name="twin:latest")
    dialog.get_by_role("tab", name="License").click()
    dialog.get_by_role("tabpanel").get_by_text(re.compile("license", re.IGNORECASE)).first.wait_for()
    dialog.get_by_role("tab", name="Metadata").click()
    dialog.get_by_role("searchbox").fill("embedding_length")
    dialog.get_by_role("cell", name="256").wait_for()
    dialog.get_by_role("button", name="Delete").click()
    models.get_by_role("dialog", name="Delete twin:latest?").get_by_role("button", name="Delete").click()
    models.get_by_role("row", name="twin:latest").wait_for(state="detached")
    assert "twin:latest" not in names(server)


def test_a_model_is_loaded_with_a_look_ahead_pinned_and_unloaded(models, server):
    row = models.get_by_role("row", name="pocket:latest")
    for name in server.loaded():
        server.post("/api/generate", {"model": name, "keep_alive": 0, "stream": False})
    row.get_by_role("button", name="Load", exact=True).click()
    dialog = models.get_by_role("dialog", name="Load pocket:latest")
    dialog.get_by_text("Weights", exact=True).wait_for()
    with models.expect_request(lambda request: '"num_ctx":1024' in (request.post_data or "")):
        dialog.get_by_label("Context window").fill("1024")
    dialog.get_by_role("button", name="Load").click()
    row.get_by_text("Loaded").wait_for()
    assert server.loaded() == ["pocket:latest"]
    more(models, "pocket:latest", "Pin in memory")
    row.get_by_text("Pinned").wait_for()
    row.get_by_role("button", name="Unload").click()
    row.get_by_text("Pinned").wait_for(state="detached")
    assert server.loaded() == []


def test_the_list_is_filtered_and_sorted(models, server):
    server.request("POST", "/api/copy", {"source": "pocket", "destination": "aardvark"})
    models.reload()
    models.get_by_role("row", name="aardvark:latest").wait_for()
    models.get_by_role("button", name="Name").click()
    shown = models.locator("tbody tr .name").all_inner_texts()
    assert shown == sorted(shown)
    models.keyboard.press("/")
    models.keyboard.type("zzz")
    models.get_by_text("No model matches.").wait_for()
    server.request("DELETE", "/api/delete", {"model": "aardvark"})


def test_names_of_models_and_files_are_only_text(page, server):
    """A name like that cannot be in a store; it may come in an answer all the same."""
    model = {
        "name": NASTY,
        "model": NASTY,
        "size": 1,
        "digest": "0" * 64,
        "modified_at": "2026-01-01T00:00:00Z",
    }
    details = {"family": NASTY, "parameter_size": NASTY, "quantization_level": NASTY}
    listed = {"models": [{**model, "details": details, "capabilities": [NASTY]}]}
    pull = {"model": NASTY, "status": NASTY, "result": "failed", "error": NASTY, "hint": NASTY, "layers": []}
    shown = {"details": details, "license": NASTY, "template": NASTY, "model_info": {NASTY: NASTY}}
    page.route("**/api/tags", lambda route: route.fulfill(json=listed))
    page.route("**/api/show", lambda route: route.fulfill(json={**shown, "modified_at": "", "system": NASTY}))
    page.route(
        "**/api/pulls?follow=1", lambda route: route.fulfill(body=json.dumps({"pulls": [pull]}) + "\n")
    )
    page.goto(f"{server.base_url}/#/models")
    page.get_by_role("link", name=NASTY).wait_for()
    page.get_by_role("link", name=NASTY).click()
    page.get_by_role("tab", name="Template").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").first.click()
    file = {"name": f"{NASTY}.gguf", "mimeType": "application/octet-stream", "buffer": b"GGUF"}
    page.get_by_label("Upload").and_(page.locator("input")).set_input_files(file)
    page.get_by_text("Uploaded").wait_for()
    assert page.evaluate("window.hit") is None
    assert page.locator("img").count() == 0
