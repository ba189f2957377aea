import asyncio
import contextlib
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from corral.errors import BodyTooLarge, BodyTooSlow, CorralError, InvalidInput
from corral.wire import decode, decode_json, read_body
from corral.wire.decode import Base64


class Inner(msgspec.Struct):
    role: str = ""


class Shape(msgspec.Struct):
    model: str = ""
    stream: bool = True
    messages: list[Inner] = []
    image: Base64 = Base64()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model": "a"}', Shape("a")),
        (b'{"MODEL": "a", "Messages": [{"ROLE": "user"}]}', Shape("a", messages=[Inner("user")])),
        (b'{"model": "a", "Model": "b"}', Shape("a")),
        (b'{"model": "a", "model": "b"}', Shape("b")),
        (b'{"model": null, "unknown": 1}', Shape()),
        (b'{"model": "a"} and more', Shape("a")),
        (b' \n{"model": "a"}{"model": "b"}', Shape("a")),
        (b'{"image": "aGk\\n="}', Shape(image=Base64(b"hi"))),
        (b'{"model": "a\xff"}', Shape("a\ufffd")),
        (b'{"model": "\\ud83d\\ude03 \\ud83d"}', Shape("\U0001f603 \ufffd")),
        (b'{"model": "a", "\xc3(": 1}', Shape("a")),
    ],
)
def test_a_body_is_read_as_clients_expect(body, expected):
    assert decode_json(body, Shape) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "missing request body"),
        (b" \n", "missing request body"),
        (b"{", "unexpected EOF"),
        (b'{"model": "a', "unexpected EOF"),
        (b"[]", "json: cannot unmarshal array into value of type Shape"),
        (b"1", "json: cannot unmarshal number into value of type Shape"),
        (b'{"model": 1}', "json: cannot unmarshal Shape"),
        (b'{"messages": {}}', "json: cannot unmarshal Shape"),
        (b'{"image": "%"}', "illegal base64 data"),
        (b'{"model": NaN}', "invalid"),
        (b"[" * 100_000, "invalid"),
        (b"nonsense", "invalid character"),
    ],
)
def test_a_body_that_is_wrong_is_said_in_one_line(body, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        decode_json(body, Shape)
    assert "\n" not in caught.value.message


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(body):
    with contextlib.suppress(CorralError):
        decode_json(body, Shape)


def request(chunks, headers=()):
    """A request whose body comes in these chunks."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return messages.pop(0)

    return Request({"type": "http", "headers": list(headers)}, receive)


@pytest.mark.anyio
async def test_a_body_is_put_together_from_its_chunks():
    assert await read_body(request([b"a", b"bc"])) == b"abc"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "large",
    [request([], [(b"content-length", b"11")]), request([b"12345", b"67890", b"1"])],
    ids=["announced", "sent"],
)
async def test_a_body_beyond_the_limit_is_refused(large):
    with pytest.raises(BodyTooLarge):
        await read_body(large, limit=10)


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Trickle:
    """A request whose body comes byte after byte."""

    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, pause_s):
        self.pause_s = pause_s

    async def stream(self):
        for _ in range(200):
            await asyncio.sleep(self.pause_s)
            yield b"x"


def test_a_body_that_comes_byte_after_byte_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(decode, "BODY_S", 0.2)
    with pytest.raises(BodyTooSlow):
        asyncio.run(read_body(Trickle(0.05)))


def test_a_body_that_comes_in_time_is_read_whole(monkeypatch):
    monkeypatch.setattr(decode, "BODY_S", 20)
    assert asyncio.run(read_body(Trickle(0))) == b"x" * 200
