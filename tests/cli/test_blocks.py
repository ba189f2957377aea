from __future__ import annotations

import pytest

from corral.cli.answer.blocks import Splitter


def split(text: str) -> list[tuple[str, str]]:
    splitter = Splitter()
    done = [block for line in text.split("\n") for block in splitter.feed(line)]
    return [(block.kind, block.text) for block in [*done, *splitter.finish()]]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("one\ntwo", [("paragraph", "one\ntwo")]),
        ("one\n\ntwo", [("paragraph", "one"), ("blank", ""), ("paragraph", "two")]),
        ("# a\nb", [("heading", "# a"), ("paragraph", "b")]),
        ("#hashtag", [("paragraph", "#hashtag")]),
        ("- a\n  more\n- b", [("item", "- a\n  more"), ("item", "- b")]),
        ("3. a\n10) b", [("item", "3. a"), ("item", "10) b")]),
        ("-5 degrees", [("paragraph", "-5 degrees")]),
        ("| a |\n|---|\n| 1 |\nafter", [("table", "| a |\n|---|\n| 1 |"), ("paragraph", "after")]),
        ("> a\nlazy", [("quote", "> a\nlazy")]),
        ("* * *", [("rule", "* * *")]),
        ("```py\n# a\n\n```\nb", [("fence", "```py"), ("code", "# a"), ("code", ""), ("fence", "```"),
                                  ("paragraph", "b")]),
        ("````\n```\n````", [("fence", "````"), ("code", "```"), ("fence", "````")]),
        ("~~~\n```\n~~~", [("fence", "~~~"), ("code", "```"), ("fence", "~~~")]),
        ("```not a fence```", [("paragraph", "```not a fence```")]),
    ],
)  # fmt: skip
def test_a_text_is_cut_where_its_blocks_end(text, blocks):
    assert split(text) == blocks


def test_code_knows_its_language_and_its_indent():
    splitter = Splitter()
    (fence,) = splitter.feed("  ```c++")
    (code,) = splitter.feed("  int x;")
    assert (fence.kind, code.language, code.indent) == ("fence", "c++", "  ")
