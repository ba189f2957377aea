"""HTTP bodies, in and out, for every dialect: how JSON is read, how answers are written and streamed.

Comes in: the bytes of a request, or an answer under way. Goes out: shapes, or Starlette responses. The
dialect rooms call it, each with its own Writer and its own form of errors; it knows no route and no model.
"""

from corral.wire.decode import body_pieces, decode_json, read_body
from corral.wire.endpoint import Handler, Reply, handled, translated
from corral.wire.file import file_response
from corral.wire.images import RemoteImages
from corral.wire.operation import Operation
from corral.wire.query import asked_number, is_asked
from corral.wire.reply import Writer, reply
from corral.wire.search import SEARCH, search_error, search_query, with_search
from corral.wire.status import status_of
from corral.wire.stream import Streaming, watch_disconnect

__all__ = [
    "SEARCH",
    "Handler",
    "Operation",
    "RemoteImages",
    "Reply",
    "Streaming",
    "Writer",
    "asked_number",
    "body_pieces",
    "decode_json",
    "file_response",
    "handled",
    "is_asked",
    "read_body",
    "reply",
    "search_error",
    "search_query",
    "status_of",
    "translated",
    "watch_disconnect",
    "with_search",
]
