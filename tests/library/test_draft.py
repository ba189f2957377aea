import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.library.draft import check_modelfile

FILES = {"tiny.gguf": "sha256:1", "sub/other.gguf": "sha256:2"}


def check(text, *, here=True):
    return check_modelfile(text, FILES, lambda name: here)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 0, "no FROM line"),
        ("FROM x\n\nTEMPERATURE 1\n", 3, 'command must be one of "from"'),
        ("FROM x\r\nBAD\r\n", 2, 'command must be one of "from"'),
        ("FROM x\nPARAMETER warmth 1", 2, "unknown parameter 'warmth'"),
        ("FROM x\nPARAMETER num_ctx 1k", 2, "invalid int value [1k]"),
        ("FROM x\nMESSAGE bob hi", 2, "message role must be one of"),
        ('FROM x\nTEMPLATE """a\n{{ if }}\n"""', 3, "template: :2:"),
        ('FROM x\nSYSTEM """never closed', 2, "unexpected EOF"),
        ("FROM x\nREQUIRES soon", 2, "requires must be a valid semver"),
        ("FROM ./missing.gguf", 1, 'there is no uploaded file "./missing.gguf"'),
        ("FROM a b", 1, "invalid model name"),
        ("FROM x\nADAPTER nothing", 2, 'there is no uploaded file "nothing"'),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, line, message):
    draft = check(text)
    assert [problem.line for problem in draft.problems] == [line]
    assert draft.problems[0].message.startswith(message)
    assert draft.request == {}


def test_all_problems_of_a_file_that_parses_are_told_in_order():
    draft = check("FROM ./no.gguf\nPARAMETER a 1\nPARAMETER num_ctx x")
    assert [problem.line for problem in draft.problems] == [1, 2, 3]


def test_a_good_file_gives_the_fields_of_its_request():
    draft = check("FROM pocket\nSYSTEM Be brief.\nPARAMETER stop a\nPARAMETER stop b\nMESSAGE user hi\n")
    assert draft.request == {
        "from": "pocket",
        "system": "Be brief.",
        "parameters": {"stop": ["a", "b"]},
        "messages": [{"role": "user", "content": "hi"}],
    }
    assert (draft.problems, draft.missing_base) == ((), "")


@pytest.mark.parametrize("text", ["tiny.gguf", "./tiny.gguf"])
def test_uploaded_files_are_named_by_their_digests(text):
    assert check(f"FROM {text}").request == {"files": {"tiny.gguf": "sha256:1"}}
    assert check(f"FROM x\nADAPTER {text}").request["adapters"] == {"tiny.gguf": "sha256:1"}


def test_a_dot_stands_for_all_uploaded_files():
    assert check("FROM .").request == {"files": FILES}


def test_a_base_that_would_be_pulled_first_is_named():
    assert check("FROM far/away", here=False).missing_base == "far/away"


def test_parameters_that_are_no_more_are_noted():
    assert check("FROM x\nPARAMETER mirostat 1").notes == ("warning: parameter mirostat is deprecated",)


PIECES = [
    "FROM ",
    "from",
    "PARAMETER ",
    "TEMPLATE ",
    "MESSAGE user ",
    "SYSTEM ",
    "ADAPTER ",
    "REQUIRES ",
    "num_ctx ",
]
PIECES += ['"""', '"', "\n", "\r\n", "{{", "}}", ".", "tiny.gguf", " x:cloud:local", "hf.co/a/b", "\x00", "#"]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join))
def test_whatever_is_written_has_a_problem_or_makes_a_request(text):
    draft = check(text)
    assert draft.problems or {"from", "files"} & draft.request.keys()
