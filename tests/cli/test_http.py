from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from corral.cli.http import Answer, BadAnswer, Connection


def answer(text: bytes, method: str = "GET") -> Answer:
    return Answer(io.BufferedReader(io.BytesIO(text)), method)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", b"abc"),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", b"a"),
    ],
)
def test_a_body_ends_where_its_headers_say(text, body):
    assert answer(text).body.read() == body


def test_lines_are_read_across_chunks():
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\nb\r\n2\r\nc\n\r\n0\r\n\r\n"
    assert list(answer(text).body) == [b"a\n", b"bc\n"]


def test_the_head_is_read_with_names_in_lower_case():
    found = answer(b"HTTP/1.1 404 Not Found\r\nX-Thing:  two words \r\nContent-Length: 9\r\n\r\n", "HEAD")
    assert (found.status, found.reason, found.body.read()) == (404, "Not Found", b"")
    assert found.headers == {"x-thing": "two words", "content-length": "9"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "connection closed"),
        (b"SSH-2.0-OpenSSH\r\n", "what answers there does not speak HTTP"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "what answers there does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "the connection was closed before the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "a length is no number: 'x'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "a length is no number: '-1'"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "a length is no number: 'zz'"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na",
            "the connection was closed before the",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300, "too many headers"),
        (b"x" * 100_000, "a line of the head is too long"),
    ],
)
def test_what_is_no_answer_is_an_error(text, message):
    with pytest.raises(BadAnswer, match=message):
        answer(text).body.read()


@contextmanager
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port, and what was sent to it once the block is left."""
    sent: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def receive() -> None:
            connection, _ = server.accept()
            with connection:
                while piece := connection.recv(1 << 16):
                    sent.append(piece)

        thread = threading.Thread(target=receive)
        thread.start()
        yield server.getsockname()[1], sent
        thread.join()


@pytest.mark.parametrize(
    ("body", "headers", "end"),
    [
        (b"abc", {"X": "y"}, b"X: y\r\nContent-Length: 3\r\n\r\nabc"),
        ([b"ab", b"c"], {"Content-Length": "3"}, b"Content-Length: 3\r\n\r\nabc"),
        (None, {}, b"\r\n\r\n"),
    ],
)
def test_a_request_is_sent_with_its_length(body, headers, end):
    with listener() as (port, sent):
        connection = Connection("127.0.0.1", port, timeout_s=5)
        connection.request("POST", "/x", body, headers)
        connection.close()
    text = b"".join(sent)
    assert text.startswith(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port)
    assert text.endswith(end)


def test_a_header_cannot_be_smuggled_in():
    with listener() as (port, sent):
        connection = Connection("127.0.0.1", port, timeout_s=5)
        with pytest.raises(BadAnswer, match="line breaks"):
            connection.request("GET", "/", None, {"Authorization": "Bearer a\r\nX: y"})
        connection.close()
    assert sent == []
