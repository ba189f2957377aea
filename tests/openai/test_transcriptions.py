import httpx
import pytest

from corral import openai
from corral.core.events import Done, Text, Thinking
from corral.errors import InvalidInput, ModelNotFound
from corral.openai.forms import Form, read_form
from tests.helpers.scripted_road import ScriptedRoad, post

pytestmark = pytest.mark.anyio
# Every byte, every kind of line end, and what looks like a boundary but is none.
AUDIO = bytes(range(256)) + b"\r\n\r\n\r--boundary\n\n--"
PATH = "/v1/audio/transcriptions"


@pytest.fixture
def anyio_backend():
    return "asyncio"


def form(texts, files):
    """Body and content type as httpx, and so most clients, write them."""
    request = httpx.Request("POST", "http://x", data=texts, files=files)
    return request.read(), request.headers["content-type"]


async def transcribe(road, texts, files):
    body, content_type = form(texts, files)
    return await post(openai.routes(road, None, None), PATH, body, {"content-type": content_type})


def test_a_form_comes_out_byte_by_byte():
    body, content_type = form({"model": "ä"}, {"file": ("a.wav", AUDIO, "audio/wav")})
    assert read_form(body, content_type) == Form({"model": "ä"}, {"file": AUDIO})


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", "application/json"),
        (b"{}", ""),
        (b"--b--\r\n", "multipart/form-data"),
        (b"no part", "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut', "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\nnameless\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    ],
)
def test_what_is_no_whole_form_is_refused(body, content_type):
    with pytest.raises(InvalidInput, match=r"^failed to parse multipart form: "):
        read_form(body, content_type)


@pytest.mark.parametrize(
    ("fields", "kind", "expected"),
    [
        ({}, "application/json", b'{"text":"hello you"}\n'),
        ({"response_format": "verbose_json"}, "application/json", b'{"text":"hello you"}\n'),
        ({"response_format": "text"}, "text/plain; charset=utf-8", b"hello you"),
    ],
)
async def test_the_words_come_trimmed(fields, kind, expected):
    road = ScriptedRoad([Thinking("hm"), Text(" hello")], [Text(" you\n"), Done("stop")])
    response = await transcribe(road, {"model": "m"} | fields, {"file": ("a.wav", AUDIO)})
    assert (response.headers["content-type"], response.content) == (kind, expected)
    assert road.num_closed == 1


async def test_the_model_hears_the_recording_and_the_hints():
    road = ScriptedRoad([Done("stop")])
    await transcribe(road, {"model": "m", "language": "fr", "prompt": "Lyon"}, {"file": ("a.wav", AUDIO)})
    system, user = road.requests[0].messages
    assert user.images == (AUDIO,)
    assert " fr." in system.content
    assert "Lyon" in system.content


@pytest.mark.parametrize(
    ("texts", "files", "message"),
    [
        ({"x": "y"}, {"file": ("a.wav", AUDIO)}, "model is required"),
        ({"model": "m"}, {"other": ("a.wav", AUDIO)}, "file is required: http: no such file"),
        ({"model": "m"}, {"file": ("a.wav", b"")}, "audio file is empty"),
    ],
)
async def test_a_form_without_what_it_needs_is_refused(texts, files, message):
    response = await transcribe(ScriptedRoad(), texts, files)
    assert (response.status_code, response.json()["error"]["message"]) == (400, message)


async def test_an_error_of_the_road_has_its_own_status():
    road = ScriptedRoad(refusal=ModelNotFound("m"))
    assert (await transcribe(road, {"model": "m"}, {"file": ("a.wav", AUDIO)})).status_code == 404
