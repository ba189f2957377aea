"""Breaking an answer into lines while it is being printed. Source: cli.md 19.4.

Letters go out at once. When a word reaches the margin the cursor goes back over what stands of it, the rest
of the line is erased, and the word begins again on the next line.
"""

from __future__ import annotations

from collections.abc import Callable

from corral.cli.terminal import width

_MARGIN = 5
_LEAST_COLUMNS = 10
_JOINER = "\u200d"  # makes one picture of the letters on both sides
_BREAK_MARGIN = 10  # a word longer than the terminal less this is broken instead of moved


class Wrapper:
    """Feed it pieces of text.

    `columns` is asked for every piece, since the user may resize the terminal; 0 switches wrapping off.
    """

    def __init__(self, write: Callable[[str], object], columns: Callable[[], int]) -> None:
        self._write = write
        self._ask = columns
        self._columns = 0
        self._used = 0  # columns of the line that are filled
        self._word = ""  # what stands of the current word
        self._joining = False  # the letter before joins the next one to itself

    def feed(self, text: str) -> None:
        columns = self._ask()
        self._columns = columns if columns >= _LEAST_COLUMNS else 0
        if self._columns:
            self._write("".join(map(self._letter, text)))
        else:
            self._write(text)

    def finish(self) -> None:
        """Nothing is held back."""

    def _letter(self, letter: str) -> str:
        columns = 0 if self._joining else width(letter)
        self._joining = letter == _JOINER
        broken = ""
        if columns and letter not in "\r\n" and self._used + 1 > self._columns - _MARGIN:
            broken = self._break(letter)
        self._used += columns
        if letter in "\r\n":
            self._used, self._word = 0, ""
        elif letter in " \t" or columns > 1:
            self._word = ""
        else:
            self._word += letter
        return broken + letter

    def _break(self, letter: str) -> str:
        """What ends the line before `letter`, which would cross the margin."""
        word = self._word
        if not word or letter in " \t" or width(word) > self._columns - _BREAK_MARGIN:
            self._used, self._word = 0, ""
            return "\n"
        self._used = width(word)
        return f"\x1b[{self._used}D\x1b[K\n{word}"
