"""The OpenAI dialect. In: OpenAI's requests. Out: its shapes, whole or as server-sent events.

A body becomes a core request (`shapes`, `messages`, `values`), the road answers with events, and a writer
(`chat`, `completions`, `responses`) makes OpenAI's bytes of them. `server` mounts its routes.
"""

from corral.openai.operations import OPERATIONS
from corral.openai.replies import failed
from corral.openai.responses.archive import Archive
from corral.openai.routes import routes
from corral.openai.tuning import tuning_routes

__all__ = ["OPERATIONS", "Archive", "failed", "routes", "tuning_routes"]
