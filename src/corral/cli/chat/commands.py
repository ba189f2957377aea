"""The commands of the chat, which begin with a slash. Source: cli.md 20.3."""

from __future__ import annotations

import sys
from collections.abc import Callable

from corral.cli.chat.reader import Reader
from corral.cli.chat.session import Session
from corral.cli.chat.setting import run_set
from corral.cli.chat.texts import MAIN, SET, SHORTCUTS, SHOW, model_help
from corral.cli.commands.list import find_models, print_models
from corral.cli.errors import ServerError
from corral.cli.sections import model_sections, value_text
from corral.errors import CorralError, InvalidName

_STAY, _LEAVE = True, False
TOPICS = {"set": SET, "show": SHOW, "shortcuts": SHORTCUTS, "shortcut": SHORTCUTS}
NOTHING_SET = {
    "license": "No license was specified for this model.",
    "modelfile": "",
    "system": "No system message was specified for this model.",
    "template": "No prompt template was specified for this model.",
}


def run_slash_command(session: Session, reader: Reader, line: str) -> bool:
    """Do what a line that begins with a slash says; False when the chat ends."""
    word, _, rest = line.strip().partition(" ")
    command = COMMANDS.get(word)
    if command is None:
        print(f"Unknown command '{word}'. Type /? for help")
        return _STAY
    try:
        return command(session, reader, rest.strip())
    except CorralError as error:
        print(f"error: {error}")
        return _STAY


def _list(session: Session, reader: Reader, rest: str) -> bool:
    print_models(find_models(session.client, rest))
    return _STAY


def _load(session: Session, reader: Reader, rest: str) -> bool:
    if len(rest.split()) != 1:
        print("Usage:\n  /load <modelname>")
        return _STAY
    print(f"Loading model '{rest}'")
    try:
        session.switch(rest)
    except ServerError as error:
        if error.status != 404:
            raise
        print(f"Couldn't find model '{rest}'")
    return _STAY


def _save(session: Session, reader: Reader, rest: str) -> bool:
    if len(rest.split()) != 1:
        print("Usage:\n  /save <modelname>")
        return _STAY
    try:
        session.save(rest)
        print(f"Created new model '{rest}'")
    except InvalidName:
        print(f"error: The model name '{rest}' is invalid")
    return _STAY


def _clear(session: Session, reader: Reader, rest: str) -> bool:
    session.forget()
    print("Cleared session context")
    return _STAY


def _set(session: Session, reader: Reader, rest: str) -> bool:
    run_set(session, reader, rest)
    return _STAY


def _show(session: Session, reader: Reader, rest: str) -> bool:
    if not rest:
        print(SHOW, file=sys.stderr)
        return _STAY
    part = rest.split()[0]
    if part == "info":
        print(model_sections(session.show()), end="", file=sys.stderr)
    elif part == "parameters":
        _show_parameters(session)
    elif part in NOTHING_SET:
        text = session.show().get(part)
        print(text + ("\n" if part == "system" else "") if text else NOTHING_SET[part])
    else:
        print(f"Unknown command '/show {part}'. Type /? for help")
    return _STAY


def _show_parameters(session: Session) -> None:
    text = session.show().get("parameters") or ""
    print("Model defined parameters:")
    lines = text.splitlines() or ["No additional parameters were specified for this model."]
    print("".join(f"  {line}\n" for line in lines))
    if session.options:
        print("User defined parameters:")
        rows = (f"  {name:<30} {value_text(value)}\n" for name, value in session.options.items())
        print("".join(rows))


def _help(session: Session, reader: Reader, rest: str) -> bool:
    topic = rest.split()[0].removeprefix("/") if rest else ""
    print(TOPICS.get(topic) or model_help(MAIN, multimodal=session.model.multimodal), file=sys.stderr)
    return _STAY


def _bye(session: Session, reader: Reader, rest: str) -> bool:
    return _LEAVE


COMMANDS: dict[str, Callable[[Session, Reader, str], bool]] = {
    "/list": _list,
    "/load": _load,
    "/save": _save,
    "/clear": _clear,
    "/set": _set,
    "/show": _show,
    "/help": _help,
    "/?": _help,
    "/exit": _bye,
    "/bye": _bye,
}
