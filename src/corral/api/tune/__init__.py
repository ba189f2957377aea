"""Fine-tuning in the native API. Page: docs/tuning.md."""

from corral.api.tune.operations import TUNE_OPERATIONS
from corral.api.tune.routes import tune_routes

__all__ = ["TUNE_OPERATIONS", "tune_routes"]
