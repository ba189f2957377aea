"""What an error class means as an HTTP status: the one table, searched along the class's ancestors."""

from __future__ import annotations

from corral import errors

STATUS: dict[type[Exception], int] = {
    errors.InvalidInput: 400,
    errors.InvalidOption: 500,  # the reference reports wrong option types so, and clients know it
    errors.InvalidFormat: 500,  # likewise
    errors.TemplateError: 500,
    errors.BodyTooLarge: 413,
    errors.BodyTooSlow: 408,
    errors.NotFound: 404,
    errors.DigestMismatch: 400,
    errors.Unsupported: 400,
    errors.NotAnEmbedder: 501,
    errors.AccessDenied: 401,
    errors.CloudDisabled: 403,
    errors.ScopeMissing: 403,
    errors.Conflict: 409,
    errors.LimitExceeded: 429,
    errors.SearchUnavailable: 502,
    errors.ServerBusy: 503,
    errors.PullStopped: 409,
    errors.Cancelled: 499,
}


def status_of(error: Exception) -> int:
    """The status for an error; what the engine answered is passed on, the unknown is 500."""
    if isinstance(error, errors.EngineError):
        return error.status
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500
