"""HTTP bodies, in and out, for every dialect: how JSON is read, how answers are written and streamed.

Comes in: the bytes of a request, or an iterator of byte chunks. Goes out: shapes, or Starlette responses.
The dialect rooms call it; it knows no route and no model.
"""

from corral.wire.decode import decode_json, read_body
from corral.wire.status import status_of
from corral.wire.stream import Streaming, watch_disconnect

__all__ = ["Streaming", "decode_json", "read_body", "status_of", "watch_disconnect"]
