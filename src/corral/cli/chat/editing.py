"""The line editor of the chat, on prompt_toolkit. Keys: cli.md section 21."""

from __future__ import annotations

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output

from corral.cli.chat.editor import edit, editor_command
from corral.cli.chat.history import History
from corral.cli.chat.reader import CONTINUATION, PROMPT
from corral.cli.errors import CommandError

_PLACEHOLDER = FormattedText([("ansibrightblack", "Send a message (/? for help)")])
_TAB = " " * 8


class EditingReader:
    """Entries with history, several lines (Ctrl-J, paste) and an external editor (Ctrl-G).

    `source` and `screen` replace the terminal in tests.
    """

    def __init__(
        self, history: History, editor: str = "", source: Input | None = None, screen: Output | None = None
    ) -> None:
        self._history = history
        self._editor = editor
        self._session: PromptSession[str] = PromptSession(
            multiline=True,
            history=InMemoryHistory(history.entries),
            key_bindings=self._keys(),
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
        def _indent(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text(_TAB)

        @keys.add("c-g")
        def _open_editor(event: KeyPressEvent) -> None:
            buffer = event.current_buffer

            def write_there() -> None:
                try:
                    buffer.text = edit(buffer.text, editor_command(self._editor))
                    buffer.cursor_position = len(buffer.text)
                except CommandError as error:
                    print(f"error: {error}")

            run_in_terminal(write_there)

        return keys
