import asyncio
import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from corral.server import protocol
from corral.server.protocol import Http1, without_offer
from tests.helpers.server import wait_until

BODY = b'{"text": "\r\nUpgrade: h2c\r\n"}'


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"POST / HTTP/1.1\r\nUpgrade: h2c\r\nHost: a", b"POST / HTTP/1.1\r\nHost: a"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nupgrade:h2c ", b"POST / HTTP/1.1\r\nHost: a"),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket", b"GET / HTTP/1.1\r\nUpgrade: websocket"),
        (b"GET /h2c HTTP/1.1\r\nX: Upgrade: h2c", b"GET /h2c HTTP/1.1\r\nX: Upgrade: h2c"),
    ],
)
def test_only_the_offer_of_http_2_leaves_the_head(head, expected):
    assert without_offer(head + b"\r\n\r\n" + BODY) == expected + b"\r\n\r\n" + BODY


class Server:
    """A uvicorn server in a thread, whose one endpoint writes for ever, as fast as it is read."""

    def __init__(self):
        self.ended = threading.Event()
        options = {"interface": "asgi3", "ws": "none", "lifespan": "off", "log_config": None}
        config = uvicorn.Config(self.app, http=Http1, **options)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.uvicorn = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.uvicorn.run, kwargs={"sockets": [self.listener]})

    async def app(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await self.state(receive)) != "http.disconnect":
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        self.ended.set()

    async def state(self, receive):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                return (await receive())["type"]
        return ""

    def connect(self):
        return socket.create_connection(self.listener.getsockname(), timeout=20)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_S", 0.5)
    monkeypatch.setattr(protocol, "STALL_S", 0.5)
    running = Server()
    running.thread.start()
    wait_until(lambda: running.uvicorn.started)
    yield running
    running.uvicorn.should_exit = running.uvicorn.force_exit = True
    running.thread.join(20)
    running.listener.close()


def test_a_client_that_reads_nothing_is_left_after_a_while(server):
    with server.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert server.ended.wait(20)


def test_a_client_that_reads_slowly_is_served_on(server):
    with server.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            assert client.recv(1 << 20)
            time.sleep(0.1)
        assert not server.ended.is_set()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHos"])
def test_a_head_that_never_ends_costs_the_connection(server, sent):
    with server.connect() as client:
        client.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
