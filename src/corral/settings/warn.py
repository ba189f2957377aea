"""Telling that a setting cannot be used: in the log, which goes to stderr where nobody has set it up."""

from __future__ import annotations


def warn(message: str) -> None:
    import logging  # a tenth of the time that `corral list` takes, and hardly ever needed

    logging.getLogger("corral.settings").warning("warning: %s", message)
