"""`/set`: how the rest of the conversation goes. Source: cli.md 20.3."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from corral.cli.chat.reader import Reader, read_quoted
from corral.cli.chat.session import Session
from corral.cli.chat.texts import PARAMETERS, SET
from corral.errors import InvalidOption
from corral.modelfile import parse_parameter


def run_set(session: Session, reader: Reader, rest: str) -> None:
    """`rest` is the line without `/set`."""
    word, _, value = rest.partition(" ")
    if not word:
        print(SET, file=sys.stderr)
        return
    setting = SETTINGS.get(word)
    if setting is None:
        print(f"Unknown command '/set {word}'. Type /? for help")
    else:
        setting(session, reader, value.strip())


def _history(session: Session, reader: Reader, value: str) -> None:
    reader.keep_history(True)


def _no_history(session: Session, reader: Reader, value: str) -> None:
    reader.keep_history(False)


def _style(word: str, **fields: Any) -> Callable[[Session, Reader, str], None]:
    def apply(session: Session, reader: Reader, value: str) -> None:
        style = replace(session.request.style, **fields)
        session.request = replace(session.request, style=style)
        print(f"Set '{word}' mode.")

    return apply


def _think(session: Session, reader: Reader, value: str) -> None:
    session.request = replace(session.request, think=value or True)
    print(f"Set 'think' mode to '{value}'." if value else "Set 'think' mode.")
    _warn_if_unable(session)


def _no_think(session: Session, reader: Reader, value: str) -> None:
    session.request = replace(session.request, think=False)
    print("Set 'nothink' mode.")
    _warn_if_unable(session)


def _warn_if_unable(session: Session) -> None:
    if not session.model.thinks:
        name = session.model.name
        print(f'warning: model "{name}" does not support thinking output', file=sys.stderr)


def _format(session: Session, reader: Reader, value: str) -> None:
    if value != "json":
        print("Invalid or missing format. For 'json' mode use '/set format json'")
        return
    session.request = replace(session.request, format="json")
    print("Set format to 'json' mode.")


def _no_format(session: Session, reader: Reader, value: str) -> None:
    session.request = replace(session.request, format=None)
    print("Disabled format.")


def _parameter(session: Session, reader: Reader, value: str) -> None:
    name, *words = value.split() or [""]
    if not words:
        print(PARAMETERS, file=sys.stderr)
        return
    try:
        session.options[name] = parse_parameter(name, words)
        print(f"Set parameter '{name}' to '{', '.join(words)}'")
    except InvalidOption as error:
        print(f'Couldn\'t set parameter: "{error}"')


def _system(session: Session, reader: Reader, value: str) -> None:
    if not value:
        print(SET, file=sys.stderr)
        return
    try:
        text = read_quoted(reader, value) if value.startswith('"""') else value
    except (EOFError, KeyboardInterrupt):
        print()
        return
    session.set_system(text)
    print("Set system message.")


SETTINGS: dict[str, Callable[[Session, Reader, str], None]] = {
    "history": _history,
    "nohistory": _no_history,
    "wordwrap": _style("wordwrap", wrap=True),
    "nowordwrap": _style("nowordwrap", wrap=False),
    "markdown": _style("markdown", markdown=True),
    "raw": _style("raw", markdown=False),
    "verbose": _style("verbose", verbose=True),
    "quiet": _style("quiet", verbose=False),
    "fold": _style("fold", thinking="fold"),
    "unfold": _style("unfold", thinking="show"),
    "think": _think,
    "nothink": _no_think,
    "format": _format,
    "noformat": _no_format,
    "parameter": _parameter,
    "system": _system,
}
