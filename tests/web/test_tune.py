"""The page for fine-tuning, over a real server whose training children are scripted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.helpers import tuning_server
from tests.helpers.lora import build_lora
from tests.helpers.scripted_tuner import PLAN, step, trained
from tests.helpers.server import serving
from tests.web.conftest import watched

pytestmark = pytest.mark.slow

NASTY = "<img src=x onerror=window.hit=1>"
REPORT = {
    "rows": 12,
    "used": 10,
    "held_out_rows": 2,
    "trained_tokens": 40,
    "trained_share": 0.4,
    "lengths": {"min": 4, "median": 9, "p95": 20, "max": 21},
    "dropped": [{"reason": f"no answer {NASTY}", "rows": 2, "places": ["data.jsonl:3"]}],
    "samples": [{"place": "data.jsonl:1", "spans": [["only read", False], [f"learned {NASTY}", True]]}],
    "notes": [NASTY],
}
DATA = {"event": "data", "report": REPORT}


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    """A server with `pocket`, whose jobs do what the file of examples says."""
    folder = tmp_path_factory.mktemp("tuner")
    command = (sys.executable, tuning_server.__file__)
    with serving(folder, command=command) as server:
        server.post("/api/pull", {"model": "pocket", "stream": False})
        server.adapter = build_lora(folder / "trained.gguf", seed=1)
        yield server


@pytest.fixture
def tune(context, tuner):
    page = watched(context.new_page(), tuner)
    yield page
    assert page.failures == []


def begin(page, tuner, tmp_path, name, events):
    """Fill in the form, up to the start."""
    file = Path(tmp_path, f"{name}.jsonl")
    file.write_text(json.dumps(events))
    page.goto(f"{tuner.base_url}/#/tune/new")
    page.get_by_label("Base model").select_option("pocket:latest")
    page.get_by_role("textbox", name="Name of the new model").fill(name)
    page.get_by_label("Files of examples").set_input_files(file)
    page.get_by_label(f"What {file.name} is for").wait_for()


def test_data_is_looked_at_before_anything_is_trained(tune, tuner, tmp_path):
    begin(tune, tuner, tmp_path, "looked", [DATA, PLAN])
    tune.get_by_role("button", name="Check the data").click()
    tune.get_by_role("heading", name="As the model sees it").wait_for()
    assert tune.locator(".sample .trained").inner_text() == f"learned {NASTY}"
    tune.get_by_text("data.jsonl:3").wait_for()
    tune.get_by_text("40 (40%)").wait_for()
    tune.get_by_role("heading", name="Plan").wait_for()
    assert json.loads(tuner.request("GET", "/api/tune")[1])["jobs"] == []
    assert tune.evaluate("window.hit") is None
    assert tune.locator("main img").count() == 0


def test_a_job_is_watched_to_its_model(tune, tuner, tmp_path):
    begin(tune, tuner, tmp_path, "helper", trained(tuner.adapter))
    tune.get_by_text("Options", exact=True).click()
    tune.get_by_label("rank").fill("8")
    tune.get_by_role("button", name="Start").click()
    tune.get_by_text("Better than its base. Held-out loss 2 → 1.").wait_for()
    tune.get_by_text("step 2 of 2").wait_for()
    tune.get_by_role("figure", name="Loss").locator("canvas").wait_for()
    tune.get_by_role("link", name="Show the model").click()
    dialog = tune.get_by_role("dialog", name="helper:latest")
    dialog.get_by_role("tab", name="Training card").wait_for()
    jobs = json.loads(tuner.request("GET", "/api/tune")[1])["jobs"]
    assert [job["hyperparameters"].get("rank") for job in jobs if job["name"] == "helper:latest"] == [8]


def test_a_job_is_stopped_resumed_and_deleted(tune, tuner, tmp_path):
    begin(tune, tuner, tmp_path, "long", [DATA, PLAN, step(1), {"wait": 60}, *trained(tuner.adapter)[2:]])
    tune.get_by_role("button", name="Start").click()
    tune.get_by_text("step 1 of 2").wait_for()
    tune.reload()
    tune.get_by_text("step 1 of 2").wait_for()
    tune.get_by_role("button", name="Stop").click()
    tune.get_by_role("button", name="Resume").click()
    tune.get_by_text("Better than its base.").wait_for()
    tune.get_by_role("button", name="Delete").click()
    tune.get_by_role("dialog").get_by_role("button", name="Delete").click()
    tune.get_by_role("row", name="long:latest").wait_for(state="detached")


def test_a_draft_is_published_only_when_asked_for(tune, tuner, tmp_path):
    begin(tune, tuner, tmp_path, "worse", trained(tuner.adapter, better=False))
    tune.get_by_role("button", name="Start").click()
    tune.get_by_text("Not better than its base").wait_for()
    assert tuner.request("POST", "/api/show", {"model": "worse"})[0] == 404
    tune.get_by_role("button", name="Publish all the same").click()
    tune.get_by_role("link", name="Show the model").wait_for()
    assert tuner.request("POST", "/api/show", {"model": "worse"})[0] == 200


def test_what_went_wrong_is_told_with_what_to_do(tune, tuner, tmp_path):
    failed = {"event": "failed", "kind": "InvalidInput", "message": "no row is usable", "hint": "see line 1"}
    begin(tune, tuner, tmp_path, "failing", [failed])
    tune.get_by_role("button", name="Check the data").click()
    tune.get_by_role("alert").get_by_text("no row is usable – see line 1").wait_for()


def test_the_page_is_there_only_where_the_server_offers_it(page, server):
    page.route("**/api/tune", lambda route: route.fulfill(status=404, body="404 page not found"))
    page.goto(server.base_url)
    page.get_by_role("link", name="Models").wait_for()
    page.get_by_role("link", name="Operate").wait_for()
    assert page.get_by_role("link", name="Tune").count() == 0
