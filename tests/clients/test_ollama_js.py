"""The `ollama` library for JavaScript, unchanged, on Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.questions import ANSWER
from tests.helpers.server import wait_until

FOLDER = Path(__file__).parent / "js"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NODE is None, reason="there is no Node on this machine"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules").is_dir(), reason="npm ci --prefix tests/clients/js was not run"
    ),
]

EXPECTED = {
    "chat": ANSWER,
    "streamed": ANSWER,
    "generated": ANSWER,
    "call": ["get_weather", {"location": "San Francisco"}],
    "vectors": 2,
    "managed": ["js-copy:latest"],
    "failed": [404, "model 'nope' not found"],
    "aborted": "AbortError",
}


@pytest.fixture(scope="module")
def results(server):
    command = [NODE, "calls.mjs", server.base_url]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_call_gives_what_the_library_promises(results, name):
    assert results[name] == EXPECTED[name]


def test_lists_name_the_model_and_what_it_can(results):
    assert "peer:latest" in results["loaded"]
    assert set(results["capabilities"]) == {"completion", "tools", "thinking"}


def test_an_aborted_answer_frees_its_slot(results, server):
    def is_idle():
        models = json.loads(server.request("GET", "/api/ps?verbose=1")[1])["models"]
        return all(model["in_flight"] == 0 for model in models)

    wait_until(is_idle, message="an aborted answer still holds its slot")
