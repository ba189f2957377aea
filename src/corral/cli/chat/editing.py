"""The line editor of the chat, on prompt_toolkit. Keys: cli.md section 21."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings.completion import display_completions_like_readline
from prompt_toolkit.output import Output

from corral.cli.chat.editor import edit, editor_command
from corral.cli.chat.history import History
from corral.cli.chat.reader import CONTINUATION, PROMPT, Desk
from corral.cli.errors import CommandError
from corral.cli.terminal import GREY, RESET, printable

_PLACEHOLDER = FormattedText([("ansibrightblack", "Send a message (/? for help)")])
_TAB = " " * 8


class EditingReader:
    """Entries with history, several lines (Ctrl-J, paste), an external editor (Ctrl-G) and completion (Tab).

    `source` and `screen` replace the terminal in tests.
    """

    def __init__(
        self,
        history: History,
        desk: Desk,
        editor: str = "",
        source: Input | None = None,
        screen: Output | None = None,
    ) -> None:
        self._history = history
        self._desk = desk
        self._editor = editor
        self._session: PromptSession[str] = PromptSession(
            multiline=True,
            history=InMemoryHistory(history.entries),
            key_bindings=self._keys(),
            completer=_SlashCompleter(desk),
            complete_while_typing=False,
            prompt_continuation=CONTINUATION,
            enable_suspend=True,
            reserve_space_for_menu=0,
            input=source,
            output=screen,
        )

    def read(self, *, more: bool = False) -> str:
        text = self._session.prompt(
            CONTINUATION if more else PROMPT, placeholder="" if more else _PLACEHOLDER
        )
        self._history.add(text)
        return text

    def keep_history(self, on: bool) -> None:
        self._history.saving = on

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("enter")
        def _send(event: KeyPressEvent) -> None:
            event.current_buffer.validate_and_handle()

        @keys.add("c-j")
        def _new_line(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        @keys.add("tab")
        def _complete(event: KeyPressEvent) -> None:
            if _is_command(event.current_buffer.document):
                display_completions_like_readline(event)
            else:
                event.current_buffer.insert_text(_TAB)

        @keys.add("c-g")
        def _open_editor(event: KeyPressEvent) -> None:
            run_in_terminal(lambda: self._edit(event))

        @keys.add("c-t")
        def _show_thinking(event: KeyPressEvent) -> None:
            thinking = self._desk.last_thinking().strip() or "The last answer came without thinking."
            run_in_terminal(lambda: print(f"{GREY}{printable(thinking)}{RESET}\n"))

        return keys

    def _edit(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        try:
            buffer.text = edit(buffer.text, editor_command(self._editor))
            buffer.cursor_position = len(buffer.text)
        except CommandError as error:
            print(f"error: {error}", file=sys.stderr)


class _SlashCompleter(Completer):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        text = document.text_before_cursor
        word = text.rpartition(" ")[2]
        for choice in self._desk.completions(text) if _is_command(document) else ():
            yield Completion(choice, start_position=-len(word))


def _is_command(document: Document) -> bool:
    return document.text.startswith("/") and document.line_count == 1
