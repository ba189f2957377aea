import pytest

from corral.errors import ModelfileError
from corral.modelfile import Command, parse

BAD_COMMAND = (
    'command must be one of "from", "license", "template", "system", "adapter", "draft", "renderer", '
    '"parser", "parameter", "message", or "requires"'
)


def value(line: str) -> str:
    """What the last command of a Modelfile with this line says."""
    return parse("FROM x\n" + line).commands[-1].args


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("FROM     FOOO BAR    ", "FOOO BAR"),
        ('FROM "     model 1"', "     model 1"),
        ('PARAMETER stop "### User: "', "### User: "),
        ("PARAMETER stop ### User: ", "### User:"),
        ('PARAMETER stop """### User:\n"""', "### User:\n"),
        ('SYSTEM """\ntwo\nlines\n"""', "\ntwo\nlines\n"),
        ('SYSTEM "\'"', "'"),
        ('SYSTEM ""', ""),
        ('SYSTEM """"""', ""),
        ('SYSTEM """a "quoted" word"""', 'a "quoted" word'),
        ('SYSTEM "a\nb"', "a\nb"),
        ('SYSTEM "a" b\nc"', 'a" b\nc'),
        ('SYSTEM "a\r\nb"', "a\r\nb"),
        ("SYSTEM \t a # not a comment", "a # not a comment"),
        ("SYSTEM a\tb", "a\tb"),
        ("SYSTEM \n", ""),
        ("SYSTEM a\u200bb\u00a0c\x07", "abc"),
        ("system lower", "lower"),
        ("  \t SYSTEM indented", "indented"),
    ],
)
def test_a_value_is_what_stands_between_its_quotes(line: str, expected: str):
    assert value(line) == expected


def test_comments_stand_only_where_a_command_could():
    text = "# first\nFROM a # b\n\n  # second\nSYSTEM x\n# last"
    assert parse(text).commands == (Command("from", "a # b", 2), Command("system", "x", 5))


def test_parameters_and_messages_have_a_second_word():
    found = parse("FROM a\nPARAMETER num_ctx 4096\nMESSAGE user   Hi: you\nMESSAGE assistant Hello")
    assert found.commands[1] == Command("parameter", "4096", 2, "num_ctx")
    assert found.messages == (("user", "Hi: you"), ("assistant", "Hello"))


@pytest.mark.parametrize(
    "data",
    [
        "FROM é".encode(),
        b"\xef\xbb\xbf" + "FROM é".encode(),
        b"\xff\xfe" + "FROM é".encode("utf-16-le"),
        b"\xfe\xff" + "FROM é".encode("utf-16-be"),
    ],
)
def test_a_byte_order_mark_is_honoured(data: bytes):
    assert parse(data).from_ == "é"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "no FROM line", None),
        ("SYSTEM x", "no FROM line", None),
        ("FROM a\n\nBADCOMMAND x y", f"(line 3): {BAD_COMMAND}", 3),
        ("FROM a\nSYS-TEM x", f"(line 2): {BAD_COMMAND}", 2),
        ("FROM a\nSYSTEM\n", f"(line 3): {BAD_COMMAND}", 2),
        ("FROM a\r\nNOPE x", f"(line 3): {BAD_COMMAND}", 2),
        ("FROM a\n8 x", f"(line 2): {BAD_COMMAND}", 2),
        (
            "FROM a\nMESSAGE robot hi",
            '(line 2): message role must be one of "system", "user", or "assistant"',
            2,
        ),
        (
            "FROM a\nMESSAGE User hi",
            '(line 2): message role must be one of "system", "user", or "assistant"',
            2,
        ),
        ("FROM a\nMESSAGE system\n", "unexpected EOF: system", 2),
        ("FROM a\nPARAMETER stop\n", "unexpected EOF: stop", 2),
        ("FROM a\nPARAMETER stop", "unexpected EOF", 2),
        ('FROM a\nSYSTEM """a ""', "unexpected EOF", 2),
        ('FROM a\nSYSTEM "a\nb\n', "unexpected EOF", 2),
        ('FROM a\nSYSTEM """"', "unexpected EOF", 2),
        ("FROM", "unexpected EOF", 1),
    ],
)
def test_a_fault_is_named_with_the_line_of_its_command(text: str, message: str, line: int | None):
    with pytest.raises(ModelfileError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.line) == (message, line)


def test_of_repeated_instructions_the_last_counts_or_all_do():
    found = parse(
        "FROM a\nFROM b\nSYSTEM 1\nSYSTEM 2\nLICENSE x\nLICENSE y\nADAPTER p\nDRAFT d\nDRAFT e\n"
        "RENDERER r\nPARSER q\nTEMPLATE t\nREQUIRES v0.14.0"
    )
    assert (found.from_, found.froms, found.system, found.licenses) == ("b", ("a", "b"), "2", ("x", "y"))
    assert (found.adapters, found.drafts, found.renderer, found.parser) == (("p",), ("d", "e"), "r", "q")
    assert (found.template, found.requires) == ("t", "0.14.0")


@pytest.mark.parametrize("version", ["0.14", "1", "v2.0.0-rc.1+x"])
def test_a_version_may_be_short_or_carry_a_label(version: str):
    assert parse(f"FROM a\nREQUIRES {version}").requires == version.removeprefix("v")


@pytest.mark.parametrize("version", ["newest", "1.2.3.4", "01.2.3", "1.2.x"])
def test_what_is_no_version_is_refused(version: str):
    with pytest.raises(ModelfileError, match=r"requires must be a valid semver \(e\.g\. 0\.14\.0\)"):
        _ = parse(f"FROM a\nREQUIRES {version}").requires
