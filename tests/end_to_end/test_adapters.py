"""LoRA adapters: several on one model, with scales from the Modelfile and from a request, on both ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.lora import build_lora
from tests.helpers.questions import ANSWER, GREEDY, MESSAGES

pytestmark = pytest.mark.slow

MODELFILE = """FROM peer
ADAPTER ./style.gguf
ADAPTER ./tone.gguf
PARAMETER adapters style=0
"""
TEMPLATE = (
    "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}"
    "<|im_start|>assistant\n<think>\n\n</think>\n\n"
)


@pytest.fixture(scope="module")
def models(server, tmp_path_factory):
    """`tuned`, whose adapters are off unless a request wants them."""
    folder = tmp_path_factory.mktemp("adapters")
    build_lora(folder / "style.gguf", seed=1)
    build_lora(folder / "tone.gguf", seed=2)
    (folder / "Modelfile").write_text(MODELFILE)
    server.create("peer", "peer-suite.gguf")
    words = [sys.executable, "-m", "corral.cli", "create", "tuned", "-f", str(folder / "Modelfile")]
    subprocess.run(words, check=True, env={**os.environ, **server.env}, capture_output=True)
    adapters = {f"{name}.gguf": (folder / f"{name}.gguf").read_bytes() for name in ("style", "tone")}
    fields = {"adapters": {name: server.upload(data) for name, data in adapters.items()}}
    server.create("tuned-plain", "peer-plain.gguf", template=TEMPLATE, parameters={"adapters": []}, **fields)
    return server


def ask(server, model, adapters=None):
    options = GREEDY if adapters is None else GREEDY | {"adapters": adapters}
    body = {"model": model, "messages": MESSAGES, "stream": False, "think": False, "options": options}
    status, data = server.request("POST", "/api/chat", body)
    return status, json.loads(data)


def said(server, model, adapters=None):
    status, answer = ask(server, model, adapters)
    assert status == 200, answer
    return answer["message"]["content"]


@pytest.mark.parametrize("model", ["tuned", "tuned-plain"])
def test_each_request_chooses_the_adapters_and_their_scales(models, model):
    assert said(models, model) == ANSWER
    both = said(models, model, {"style": 1, "tone": 1})
    one, other = said(models, model, {"style": 3}), said(models, model, ["tone=3"])
    assert len({ANSWER, both, one, other}) == 4
    assert said(models, model, {"style": 3}) == one
    assert said(models, model, {}) == ANSWER
    assert len([name for name in models.loaded() if name == f"{model}:latest"]) == 1


def test_all_adapters_apply_where_nothing_is_said(models, tmp_path):
    adapters = {
        f"{name}.gguf": models.upload(build_lora(tmp_path / name, seed=seed).read_bytes())
        for seed, name in enumerate(("style", "tone"), 1)
    }
    models.post("/api/create", {"model": "full", "from": "peer", "adapters": adapters, "stream": False})
    assert said(models, "full") == said(models, "tuned", {"style": 1, "tone": 1})


def test_a_printed_modelfile_means_the_same_model(models):
    shown = models.post("/api/show", {"model": "tuned"})
    assert shown["modelfile"].count("\nADAPTER ") == 2
    assert 'adapters                       "1=0"' in shown["parameters"]


@pytest.mark.parametrize(
    ("adapters", "message"),
    [
        ({"other": 1}, 'the model has no adapter "other": it has style, tone'),
        (["style=big"], 'the scale of adapter "style" must be a number: "big"'),
    ],
)
def test_an_adapter_that_is_not_there_is_refused_by_name(models, adapters, message):
    assert ask(models, "tuned", adapters) == (400, {"error": message})


def test_a_model_without_adapters_says_so(models):
    assert ask(models, "peer", ["style"]) == (400, {"error": 'the model has no adapter "style": it has none'})


def test_an_adapter_of_another_architecture_is_refused_when_the_model_is_made(models, tmp_path):
    data = build_lora(tmp_path / "x.gguf", seed=1, architecture="qwen3").read_bytes()
    digest = models.upload(data)
    body = {"model": "wrong", "from": "peer", "adapters": {"x.gguf": digest}, "stream": False}
    status, answer = models.request("POST", "/api/create", body)
    assert (status, json.loads(answer)) == (400, {"error": 'adapter "x" is for qwen3, the model is llama'})
