"""The two ends of a request, watched: what is sent, and where that is asked for what is received."""

from __future__ import annotations

from starlette.types import Message, Receive, Send

from corral.monitor import MAX_CAPTURED, Exchange


class Watched:
    """A `send` that adds headers to the answer and notes its status."""

    def __init__(self, send: Send, exchange: Exchange) -> None:
        self._send = send
        self.exchange = exchange
        self.extra = _id_headers(exchange)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.exchange.status = message["status"]
            added = [(name.encode(), value.encode("latin-1")) for name, value in self.extra.items()]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await self._send(message)


def _id_headers(exchange: Exchange) -> dict[str, str]:
    """Anthropic's libraries look for the id under a name of their own."""
    headers = {"x-request-id": exchange.request_id}
    return headers | ({"request-id": exchange.request_id} if exchange.path.startswith("/v1/messages") else {})


def recorded(receive: Receive, exchange: Exchange) -> Receive:
    """The same messages, whose bodies are also kept in `exchange`, up to a limit."""
    body = exchange.body = bytearray()

    async def heard() -> Message:
        message = await receive()
        if message["type"] == "http.request" and len(body) <= MAX_CAPTURED:
            body.extend(message.get("body", b""))
        return message

    return heard
