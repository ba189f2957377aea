import pytest

from corral.server.protocol import without_offer

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
