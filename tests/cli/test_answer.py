from __future__ import annotations

import io
from contextlib import redirect_stdout

import pytest

from corral.cli.answer import Answer, Style
from corral.cli.commands.run import _answer_once
from corral.cli.model import RunModel
from corral.cli.request import RunRequest
from corral.errors import CorralError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(records, style: Style) -> str:
    with redirect_stdout(Terminal()) as screen:
        Answer(style).show(records)
    return screen.getvalue()


def test_thinking_is_grey_on_a_terminal():
    grey, bold, reset = "\x1b[38;5;245m", "\x1b[1m", "\x1b[0m"
    assert shown([{"thinking": "Hm."}, {"response": "Lima."}, {"done": True}], Style()) == (
        f"{grey}{bold}Thinking...\n{reset}{grey}Hm.\n{grey}{bold}...done thinking.\n\n{reset}Lima."
    )


def test_an_answer_that_breaks_off_while_thinking_resets_the_colours():
    def records():
        yield {"thinking": "Hm.\n"}
        raise KeyboardInterrupt

    with redirect_stdout(Terminal()) as screen:
        answer = Answer(Style())
        with pytest.raises(KeyboardInterrupt):
            answer.show(records())
    assert screen.getvalue().endswith("...done thinking.\n\n\x1b[0m")
    assert (answer.thinking, answer.complete) == ("Hm.\n", False)


def test_lines_are_broken_on_a_terminal_unless_that_is_switched_off():
    records = [{"response": "word " * 20, "done": True}]
    assert shown(records, Style(wrap=False)) == "word " * 20
    assert "\n" in shown(records, Style())


def test_on_a_terminal_a_model_that_thinks_is_asked_by_chat():
    asked = []

    class Recorder:
        def stream(self, path, body):
            asked.append((path, body))
            return iter([{"message": {"content": "Lima."}, "done": True}])

    model = RunModel("m", frozenset({"thinking"}), multimodal=False)
    with redirect_stdout(Terminal()) as screen:
        _answer_once(Recorder(), RunRequest(model, think=True), "hi")
    body = {"model": "m", "think": True, "messages": [{"role": "user", "content": "hi"}]}
    assert asked == [("/api/chat", body)]
    assert screen.getvalue() == "Lima.\n\n"


def test_an_answer_that_ends_too_soon_is_an_error():
    with redirect_stdout(io.StringIO()), pytest.raises(CorralError, match="the answer broke off"):
        Answer(Style()).show([{"response": "Lim"}])


@pytest.mark.parametrize(
    ("style", "screen"),
    [
        (Style(thinking="hide"), "Lima."),
        (Style(thinking="fold"), "\x1b[38;5;245m▸ Thought for 0.0 s, about 2 words\x1b[0m\n\nLima."),
    ],
)
def test_thinking_is_hidden_or_folded_on_request(style, screen):
    assert shown([{"thinking": "Well, Peru."}, {"response": "Lima."}, {"done": True}], style) == screen


def test_programs_get_every_byte_and_no_markdown():
    with redirect_stdout(io.StringIO()) as out:
        Answer(Style(thinking="fold")).show(
            [{"thinking": "Hm."}, {"response": "\x1b[1m**b**"}, {"done": True}]
        )
    assert out.getvalue() == "Thinking...\nHm.\n...done thinking.\n\n\x1b[1m**b**"
