"""From the name of an error, as a child or a row of the table has it, back to the error."""

from __future__ import annotations

from corral import errors
from corral.errors import CorralError
from corral.tune.events import Failed
from corral.tune.jobs.job import Problem


def raised(problem: Failed | Problem) -> CorralError:
    """The error to raise: of the class that is named, or its nearest ancestor that takes just a message."""
    named = getattr(errors, problem.kind, None)
    ancestors = named.__mro__ if isinstance(named, type) and issubclass(named, CorralError) else ()
    plain = (kind for kind in ancestors if "__init__" not in vars(kind) and issubclass(kind, CorralError))
    return next(plain, CorralError)(problem.message, hint=problem.hint or None)
