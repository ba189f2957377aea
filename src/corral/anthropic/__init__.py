"""The Anthropic dialect. In: a messages request. Out: a message, whole or as server-sent events.

A body becomes a core request (`shapes`, `messages`), the road answers with events, and `writer` makes
Anthropic's bytes of them. `server` mounts its routes.
"""

from corral.anthropic.operations import OPERATIONS
from corral.anthropic.replies import failed
from corral.anthropic.routes import routes

__all__ = ["OPERATIONS", "failed", "routes"]
