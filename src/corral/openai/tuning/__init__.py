"""Fine-tuning in OpenAI's shapes: files, and jobs on them. Both are the same as in `/api/tune`."""

from corral.openai.tuning.routes import tuning_routes

__all__ = ["tuning_routes"]
