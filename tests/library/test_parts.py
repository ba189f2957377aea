"""Small pure parts: texts, stored JSON, addresses, pins, watched transfers."""

from __future__ import annotations

import asyncio

import pytest

from corral.core.digests import Digest
from corral.core.messages import Message, ToolCall
from corral.errors import CorruptData, InvalidInput, RegistryError
from corral.library.pins import Pins
from corral.library.remote import remote_url
from corral.library.stored import decode_messages, decode_parameters, encode_messages, encode_parameters
from corral.library.texts import plain_value
from corral.library.watch import Transfers


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (9.999999747378752e-06, 1e-05),
        (10000.0, 10000),
        (0.10000000149011612, 0.1),
        (0.1, 0.1),
        (float("inf"), None),
        (b"\xff", "/w=="),
        ([1.0, "a"], [1, "a"]),
        (True, True),
    ],
)
def test_metadata_becomes_json(value, plain):
    assert plain_value(value) == plain


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/path", "http://localhost:11434/path"),
        ("example.com", "http://example.com:11434"),
        ("https://example.com", "https://example.com:11434"),
        ("http://example.com:80/x", "http://example.com:80/x"),
        ("ollama.com", "https://ollama.com:443"),
        ("http://[::1]", "http://[::1]:11434"),
    ],
)
def test_a_remote_host_gets_scheme_and_port(text, url):
    assert remote_url(text) == url


@pytest.mark.parametrize("text", ["http://", "http://h:99999999", "a b", "http://[::1"])
def test_an_address_that_is_none_is_a_bad_remote(text):
    with pytest.raises(InvalidInput, match=r"^bad remote$"):
        remote_url(text)


def test_parameters_are_stored_sorted_and_escaped():
    data = encode_parameters({"stop": ["<|end|>"], "num_ctx": 64})
    assert data == b'{"num_ctx":64,"stop":["\\u003c|end|\\u003e"]}\n'
    assert decode_parameters(data) == {"num_ctx": 64, "stop": ["<|end|>"]}


@pytest.mark.parametrize("data", [b"", b"[]", b'{"stop":"\xff"}', b'{"a":' * 100_000], ids=range(4))
def test_stored_parameters_that_are_none_are_an_error(data):
    with pytest.raises(CorruptData, match="invalid parameters layer"):
        decode_parameters(data)


def test_messages_come_back_as_they_were():
    messages = (
        Message("user", "see", images=(b"\x89PNG",)),
        Message("assistant", "", thinking="hm", tool_calls=(ToolCall("f", {"b": 1, "a": 2}, "call_1"),)),
        Message("tool", "3", tool_name="f", tool_call_id="call_1"),
    )
    assert decode_messages(encode_messages(messages)) == messages


def test_plain_messages_are_stored_as_role_and_content():
    assert encode_messages((Message("user", "q"),)) == b'[{"role":"user","content":"q"}]\n'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b'[{"role":1}]',
        b'[{"role":"u","images":["*"]}]',
        b'[{"role":"\xff"}]',
        pytest.param(b"[" * 100_000, id="nesting"),
    ],
)
def test_stored_messages_that_are_none_are_an_error(data):
    with pytest.raises(CorruptData, match="invalid messages layer"):
        decode_messages(data)


def test_a_pin_falls_off_when_the_last_holder_ends():
    pins = Pins()
    with pins.hold() as first:
        first.add(["a"])
        with pins.hold() as second:
            second.add(["a"])
        assert "a" in pins
    assert "a" not in pins


DIGEST = Digest.of(b"x")


def test_a_transfer_ends_when_its_last_watcher_leaves():
    started, stopped = asyncio.Event(), []

    async def transfer(progress):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    async def scenario():
        transfers = Transfers()
        one, two = (transfers.watch(DIGEST, 10, transfer) for _ in range(2))
        await anext(one)
        await anext(two)
        await started.wait()
        await one.aclose()
        await asyncio.sleep(0)
        assert not stopped
        await two.aclose()
        await asyncio.sleep(0)
        assert stopped

    asyncio.run(scenario())


def test_a_failure_reaches_every_watcher():
    async def transfer(progress):
        await asyncio.sleep(0)
        raise RegistryError("gone")

    async def watch(transfers):
        async for _ in transfers.watch(DIGEST, 10, transfer):
            pass

    async def scenario():
        transfers = Transfers()
        return await asyncio.gather(watch(transfers), watch(transfers), return_exceptions=True)

    assert [str(error) for error in asyncio.run(scenario())] == ["gone", "gone"]
