"""The OpenAI dialect. In: OpenAI's requests. Out: its shapes. `server` mounts its routes."""

from corral.openai.models import routes

__all__ = ["routes"]
