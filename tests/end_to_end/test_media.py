"""Images and sound through a projector, on both ways to a prompt, with tiny models made here."""

from __future__ import annotations

import base64
import json

import openai
import pytest

from tests.helpers.files import picture, tone
from tests.helpers.projector import build_projector
from tests.helpers.questions import GREEDY
from tests.helpers.server import MODELS
from tests.parity.replay import Files

pytestmark = pytest.mark.slow

TEMPLATE = (
    "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
)
WAYS = pytest.mark.parametrize("model", ["eyes", "eyes-templated"])


@pytest.fixture(scope="module")
def models(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("projectors")
    rows = [("eyes", "peer-suite.gguf", {}), ("eyes-templated", "peer-plain.gguf", {"template": TEMPLATE})]
    for name, weights, made in [*rows, ("ears", "peer-suite.gguf", {})]:
        projector = build_projector(folder / f"{name}.gguf", audio=name == "ears").read_bytes()
        files = {"model.gguf": Files(MODELS).data(weights), "mmproj.gguf": projector}
        digests = {path: server.upload(data) for path, data in files.items()}
        server.post("/api/create", {"model": name, "files": digests, "stream": False} | made)
    server.create("eyeless", "peer-plain.gguf", template=TEMPLATE)
    return server


def sent(*files: bytes) -> list[str]:
    return [base64.b64encode(data).decode() for data in files]


def ask(server, model, *files, text="see", **fields):
    """Status and body of a chat about these files."""
    messages = [{"role": "user", "content": text, "images": sent(*files)}]
    body = {"model": model, "messages": messages, "stream": False, "options": GREEDY, "think": False}
    status, data = server.request("POST", "/api/chat", body | fields)
    return status, json.loads(data)


def test_what_a_model_can_read_is_shown(models):
    can = {name: models.post("/api/show", {"model": name})["capabilities"] for name in ("eyes", "ears")}
    assert "vision" in can["eyes"]
    assert "audio" not in can["eyes"]
    assert "audio" in can["ears"]


@WAYS
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_picture_of_every_format_reaches_the_model(models, model, kind):
    status, answer = ask(models, model, picture(kind))
    assert status == 200, answer
    without = ask(models, model, text="see")[1]
    # The picture takes four tokens; how many its marker would take as text does not matter.
    assert answer["prompt_eval_count"] == without["prompt_eval_count"] + 4


@WAYS
def test_the_model_sees_what_is_in_the_picture(models, model):
    red, blue = (ask(models, model, picture(color=color), think=None)[1] for color in ("red", "blue"))
    assert red["message"] != blue["message"]


def test_both_ways_see_the_same(models):
    answers = [ask(models, model, picture())[1] for model in ("eyes", "eyes-templated")]
    assert answers[0]["prompt_eval_count"] == answers[1]["prompt_eval_count"] + 4  # the mark of no reasoning
    shown = [
        ask(models, model, picture(), _debug_render_only=True)[1] for model in ("eyes", "eyes-templated")
    ]
    assert [answer["_debug_info"]["image_count"] for answer in shown] == [1, 1]
    assert "[img-0]see" in shown[1]["_debug_info"]["rendered_template"]


def test_generate_takes_pictures_where_the_prompt_has_their_place(models):
    body = {"model": "eyes-templated", "prompt": "a [img] b", "images": sent(picture()), "stream": False}
    shown = models.post("/api/generate", body | {"_debug_render_only": True})
    assert "a [img-0] b" in shown["_debug_info"]["rendered_template"]
    assert models.post("/api/generate", body | {"options": GREEDY})["done"]


def test_a_raw_prompt_must_have_a_place_for_each_picture(models):
    body = {"model": "eyes", "raw": True, "images": sent(picture(), picture()), "stream": False}
    status, answer = models.request("POST", "/api/generate", body | {"prompt": "a [img-0] b"})
    message = "the prompt has no place for image 2: write [img-1] there"
    assert (status, json.loads(answer)) == (400, {"error": message})
    assert models.post("/api/generate", body | {"prompt": "[img-1][img-0] a", "options": GREEDY})["done"]


def test_a_prompt_that_ends_with_a_picture_is_refused_as_the_engine_would_not_survive_it(models):
    body = {"model": "eyes", "raw": True, "images": sent(picture()), "prompt": "a [img-0]", "stream": False}
    status, answer = models.request("POST", "/api/generate", body)
    assert (status, json.loads(answer)) == (
        400,
        {"error": "the prompt ends with an image: write some text after it"},
    )


def test_a_picture_and_a_format_go_together(models):
    status, answer = ask(models, "eyes", picture(), format={"enum": ["red", "blue"]}, think=True)
    assert status == 200
    assert json.loads(answer["message"]["content"]) in ("red", "blue")


def test_sound_reaches_the_model(models):
    low, high = (ask(models, "ears", tone(hertz), think=True) for hertz in (440, 3000))
    assert (low[0], high[0]) == (200, 200)
    assert low[1]["prompt_eval_count"] > 700  # half a minute, padded
    assert low[1]["message"] != high[1]["message"]


@pytest.mark.parametrize("model", ["peer", "eyeless"])
@pytest.mark.parametrize(("data", "capability"), [(picture(), "vision"), (tone(), "audio")])
def test_a_model_that_reads_only_text_says_so(models, model, data, capability):
    status, answer = ask(models, model, data)
    assert status == 400
    assert answer["error"].startswith(f'"{model}:latest" does not support {capability}: ')


@WAYS
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "image 2 has an unknown format"),
        (picture()[:20], "image 2 is a damaged PNG file"),
        (picture("WEBP")[:60], "image 2 cannot be decoded"),
        (tone(), "does not support audio"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_before_the_engine_sees_it(models, model, data, message):
    status, answer = ask(models, model, picture(), data)
    assert status == 400
    assert message in answer["error"]


@WAYS
def test_tokens_of_a_picture_are_counted_as_the_engine_reads_them(models, model):
    (data,) = sent(picture())
    source = {"type": "base64", "media_type": "image/png", "data": data}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "see"}]
    body = {"model": model, "messages": [{"role": "user", "content": content}]}
    counted = models.post("/v1/messages/count_tokens", body)["input_tokens"]
    usage = models.post("/v1/messages", body | {"max_tokens": 1})["usage"]
    # What an earlier test has had read counts apart.
    assert counted == usage["input_tokens"] + usage.get("cache_read_input_tokens", 0)


def test_a_recording_is_written_down_by_a_model_that_hears_and_by_no_other(models):
    with openai.OpenAI(base_url=f"{models.base_url}/v1", api_key="none", max_retries=0) as client:
        recording = ("tone.wav", tone())
        written = client.audio.transcriptions.create(model="ears", file=recording)
        plain = client.audio.transcriptions.create(model="ears", file=recording, response_format="text")
        assert written.text == plain.strip() != ""
        with pytest.raises(openai.BadRequestError, match="does not support audio"):
            client.audio.transcriptions.create(model="eyeless", file=recording)
