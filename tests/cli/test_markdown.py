from __future__ import annotations

import pytest

from corral.cli.answer.markdown import MarkdownWriter
from tests.helpers.screen import Screen

TEXT = """\
# Title
Some **bold** text with `code`, a <b>tag</b> & a [link](http://x.y).
Second line.

- first item that is long enough to need two rows of this terminal
- second *it*
  - nested
3. third

| a | b |
|---|---|
| 1 | 日本 |

> quoted

```python
def f(x):
    return x  # a comment that is much longer than the sixty columns there are
```
Plain, with 2 < 3.
"""
SHOWN = [
    "Title",
    "Some bold text with code, a <b>tag</b> & a link (http://x.y).",
    "Second line.",
    "",
    " • first item that is long enough to need two rows of this",
    "   terminal",
    " • second it",
    "   • nested",
    " 3 third",
    "",
    " a  b",
    " ───────",
    " 1  日本",
    "",
    "▌ quoted",
    "",
    "```python",
    "def f(x):",
    "    return x  # a comment that is much longer than the sixty c",
    "olumns there are",
    "```",
    "Plain, with 2 < 3.",
]


def show(text: str, step: int, screen: Screen) -> list[str]:
    writer = MarkdownWriter(screen.write, screen.size)
    for start in range(0, len(text), step):
        writer.feed(text[start : start + step])
    writer.finish()
    return screen.lines()


@pytest.mark.parametrize("step", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize("rows", [24, 40])
def test_blocks_are_rendered_however_they_arrive(step, rows):
    assert show(TEXT, step, Screen(62, rows)) == SHOWN


def test_emphasis_is_shown_by_the_terminal():
    screen = Screen()
    show("say **this** now", 3, screen)
    assert screen.lines() == ["say this now"]
    assert (screen.is_bold(0, 0), screen.is_bold(0, 4)) == (False, True)


def test_a_block_that_has_left_the_screen_stays_as_it_came():
    screen = Screen(40, 5)
    text = "\n".join(f"line **{number}**" for number in range(12))
    assert show(text + "\n\nlast **one**", 5, screen) == [*text.split("\n"), "", "last one"]


def test_a_block_during_which_the_terminal_is_resized_stays_as_it_came():
    screen = Screen(60, 24)
    writer = MarkdownWriter(screen.write, screen.size)
    writer.feed("one **two**")
    screen.resize(40, 24)
    writer.feed(" three\n\nfour **five**")
    writer.finish()
    assert screen.lines() == ["one **two** three", "", "four five"]


def test_two_hundred_lines_of_code_all_stay():
    lines = [f"x{number} = {number}" for number in range(200)]
    assert show("\n".join(["```python", *lines, "```"]), 11, Screen()) == ["```python", *lines, "```"]


def test_what_was_not_finished_is_rendered_too():
    assert show("```\nprint", 4, Screen()) == ["```", "print"]
    assert show("- one", 2, Screen()) == [" • one"]
    assert show("", 1, Screen()) == []
