"""Images by URL: where they may be, whence they are fetched, and what becomes of the rest."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from corral.errors import InvalidInput
from corral.wire import RemoteImages
from corral.wire import images as limits
from tests.helpers.scripted_server import Reply, scripted_server

pytestmark = pytest.mark.anyio
PICTURE = b"\x89PNG picture"
DATA = base64.b64encode(PICTURE).decode()
URL = "https://images.test/a.png"
INLINED = f"data:;base64,{DATA}"


@pytest.fixture
def anyio_backend():
    return "asyncio"


def answer(request):
    replies = {
        "/a.png": httpx.Response(200, content=PICTURE),
        "/moved": httpx.Response(302, headers={"location": "/a.png"}),
        "/away": httpx.Response(307, headers={"location": "https://other.test/a.png"}),
        "/circle": httpx.Response(302, headers={"location": "/circle"}),
        "/file": httpx.Response(302, headers={"location": "file:///etc/passwd"}),
    }
    return replies.get(request.url.path, httpx.Response(404))


def allowing(*hosts):
    return RemoteImages(hosts, transport=httpx.MockTransport(answer))


def chat(*parts):
    return {"model": "m", "messages": [{"role": "user", "content": list(parts)}]}


async def inlined(images, body):
    return json.loads(await images.inlined(json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "image_url", "image_url": {"url": URL}}, {"type": "image_url", "image_url": INLINED}),
        ({"type": "image_url", "image_url": URL}, {"type": "image_url", "image_url": INLINED}),
        ({"type": "input_image", "image_url": URL}, {"type": "input_image", "image_url": INLINED}),
        (
            {"type": "image", "source": {"type": "url", "url": URL}},
            {"type": "image", "source": {"type": "base64", "data": DATA}},
        ),
        (
            {"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": URL}}]},
            {
                "type": "tool_result",
                "content": [{"type": "image", "source": {"type": "base64", "data": DATA}}],
            },
        ),
        ({"type": "text", "text": URL}, {"type": "text", "text": URL}),
        (
            {"type": "image_url", "image_url": {"url": INLINED}},
            {"type": "image_url", "image_url": {"url": INLINED}},
        ),
    ],
)
async def test_an_image_takes_the_place_of_its_url_in_every_dialect(part, expected):
    assert await inlined(allowing("images.test"), chat(part)) == chat(expected)
    assert (await inlined(allowing("*"), {"input": [{"content": [part]}]}))["input"] == [
        {"content": [expected]}
    ]


async def test_nothing_is_fetched_unless_hosts_are_allowed():
    body = json.dumps(chat({"type": "image_url", "image_url": URL})).encode()
    assert await RemoteImages().inlined(body) is body


async def test_redirects_are_followed_to_allowed_hosts():
    part = {"type": "image_url", "image_url": "https://images.test/moved"}
    body = await inlined(allowing("images.test"), chat(part))
    assert body["messages"][0]["content"][0]["image_url"] == INLINED


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://elsewhere.test/a.png", "does not name elsewhere.test"),
        ("https://images.test/away", "does not name other.test"),
        ("https://images.test/circle", "too many redirects"),
        ("https://images.test/file", "only http and https"),
        ("https://images.test/none", "status 404"),
        ("https://images.test:99999999/", "could not fetch"),
    ],
)
async def test_what_cannot_be_fetched_is_refused_with_the_reason(url, message):
    with pytest.raises(InvalidInput, match=message):
        await inlined(allowing("images.test"), chat({"type": "image_url", "image_url": url}))


async def test_an_image_that_is_too_large_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(limits, "MAX_BYTES", 5)
    with pytest.raises(InvalidInput, match="larger than 5 bytes"):
        await inlined(allowing("*"), chat({"type": "image_url", "image_url": URL}))


async def test_a_request_may_not_name_very_many():
    with pytest.raises(InvalidInput, match="too many images by URL"):
        await inlined(allowing("*"), chat(*[{"type": "image_url", "image_url": URL}] * 17))


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False])
async def test_a_host_in_a_private_network_is_asked_only_where_it_is_named(named):
    with scripted_server() as server:
        server.on("GET", "/a.png", Reply(PICTURE))
        images = RemoteImages([f"127.0.0.1:{server.port}"] if named else ["*"])
        body = chat({"type": "image_url", "image_url": f"http://127.0.0.1:{server.port}/a.png"})
        if named:
            assert (await inlined(images, body))["messages"][0]["content"][0]["image_url"] == INLINED
            return
        with pytest.raises(InvalidInput, match="private network"):
            await inlined(images, body)
        assert server.asked == []
