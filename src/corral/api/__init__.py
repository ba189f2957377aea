"""The native dialect: Ollama's own HTTP API.

In: requests with JSON bodies. Out: JSON objects, NDJSON streams. It decodes to core values, asks `serving`,
`library` and `scheduler`, and writes what they say; `server` mounts its routes.
"""

from corral.api.chats import chat_routes
from corral.api.keys import key_routes
from corral.api.operations import OPERATIONS
from corral.api.replies import NDJSON, error_response, json_response
from corral.api.routes import routes
from corral.api.tune import tune_routes

__all__ = [
    "NDJSON",
    "OPERATIONS",
    "chat_routes",
    "error_response",
    "json_response",
    "key_routes",
    "routes",
    "tune_routes",
]
