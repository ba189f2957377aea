from __future__ import annotations

from collections.abc import Iterable

import pytest

from corral.cli.chat.loop import converse
from corral.cli.chat.session import Session
from corral.cli.client import Client
from corral.cli.model import find_model
from corral.cli.request import RunRequest
from corral.settings import Address
from tests.helpers.scripted_server import Asked, Reply

SHOW = Reply({"capabilities": ["completion"], "parameters": "seed 1", "template": "{{ .Prompt }}"})


def answer(text: str, **more: str) -> Reply:
    return Reply([{"message": {"role": "assistant", "content": text, **more}}, {"done": True}])


class Script:
    """A user who types these lines and then leaves; an exception is raised where it stands."""

    def __init__(self, lines: Iterable[str | type[BaseException]]) -> None:
        self.lines = iter(lines)
        self.history = True

    def read(self, *, more: bool = False) -> str:
        line = next(self.lines, EOFError)
        if isinstance(line, str):
            return line
        raise line

    def keep_history(self, on: bool) -> None:
        self.history = on


@pytest.fixture
def session(server):
    server.on("POST", "/api/show", SHOW)
    server.on("POST", "/api/generate", Reply({"done": True}))
    client = Client(Address(port=server.port))
    session = Session(client, RunRequest(find_model(client, "m")))
    server.asked.clear()
    return session


@pytest.fixture
def talk(session, capsys):
    """Type some lines; returns what was printed on stdout."""

    def talk(*lines: str | type[BaseException]) -> str:
        converse(session, Script(lines))
        return capsys.readouterr().out

    return talk


def test_every_turn_sends_the_whole_conversation(server, session, talk):
    server.on("POST", "/api/chat", answer("Hello.", thinking="Hm."), answer("Lima."))
    out = talk("hi", "capital of peru")
    assert out == "Thinking...\nHm.\n...done thinking.\n\nHello.\n\nLima.\n\n\n"
    assert server.asked[1].body["messages"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello.", "thinking": "Hm."},
        {"role": "user", "content": "capital of peru"},
    ]


def test_three_quotes_begin_a_message_of_several_lines(server, talk):
    server.on("POST", "/api/chat", answer("ok"))
    talk('"""one', "", 'two"""', '"""three"""')
    texts = [asked.body["messages"][-1]["content"] for asked in server.asked]
    assert texts == ["one\n\ntwo", "three"]


def test_ctrl_c_at_the_prompt_says_how_to_leave(talk):
    assert talk(KeyboardInterrupt) == "\nUse Ctrl + d or /bye to exit.\n\n"


def test_bye_ends_the_chat_without_a_word(talk):
    assert talk("/bye", "not read") == ""


def test_a_failed_turn_is_told_and_forgotten(server, session, talk, capsys):
    server.on("POST", "/api/chat", Reply({"error": "no memory"}, 500))
    converse(session, Script(["hi"]))
    assert capsys.readouterr().err == "error: 500 Internal Server Error: no memory\n"
    assert session.messages == []


def test_what_was_said_before_ctrl_c_stays_in_the_conversation(session, monkeypatch, capsys):
    def interrupted(*_: object) -> Iterable[dict[str, object]]:
        yield {"message": {"content": "Lim"}}
        raise KeyboardInterrupt

    monkeypatch.setattr(session.client, "stream", interrupted)
    session.say("capital of peru")
    assert session.messages == [
        {"role": "user", "content": "capital of peru"},
        {"role": "assistant", "content": "Lim"},
    ]
    assert capsys.readouterr().out == "Lim\n\n"


def test_messages_stored_in_the_model_are_shown_and_not_sent(server, talk, session):
    stored = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]
    server.on("POST", "/api/show", Reply({"messages": stored}))
    server.on("POST", "/api/chat", answer("ok"))
    session.switch("n")
    server.asked.clear()
    assert talk("hey") == ">>> hi\nHello.\n\nok\n\n\n"
    assert server.asked[0].body["messages"] == [{"role": "user", "content": "hey"}]


@pytest.mark.parametrize(
    ("line", "out"),
    [
        ("/set wordwrap", "Set 'wordwrap' mode."),
        ("/set nowordwrap", "Set 'nowordwrap' mode."),
        ("/set verbose", "Set 'verbose' mode."),
        ("/set quiet", "Set 'quiet' mode."),
        ("/set think", "Set 'think' mode."),
        ("/set think high", "Set 'think' mode to 'high'."),
        ("/set nothink", "Set 'nothink' mode."),
        ("/set format json", "Set format to 'json' mode."),
        ("/set format yaml", "Invalid or missing format. For 'json' mode use '/set format json'"),
        ("/set noformat", "Disabled format."),
        ("/set parameter stop a b", "Set parameter 'stop' to 'a, b'"),
        ("/set parameter top_k x", 'Couldn\'t set parameter: "invalid int value [x]"'),
        ("/set parameter nope 1", "Couldn't set parameter: \"unknown parameter 'nope'\""),
        ("/set system Be kind.", "Set system message."),
        ("/set bogus", "Unknown command '/set bogus'. Type /? for help"),
        ("/bogus", "Unknown command '/bogus'. Type /? for help"),
        ("/show bogus", "Unknown command '/show bogus'. Type /? for help"),
        ("/show license", "No license was specified for this model."),
        ("/show template", "{{ .Prompt }}"),
        ("/load", "Usage:\n  /load <modelname>"),
        ("/save a b", "Usage:\n  /save <modelname>"),
        ("/save a/b/c/d/e", "error: The model name 'a/b/c/d/e' is invalid"),
        ("/clear", "Cleared session context"),
    ],
)
def test_a_command_says_what_it_did(talk, line, out):
    assert talk(line, "/bye") == out + "\n"


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (["/set think low"], {"think": "low"}),
        (["/set nothink"], {"think": False}),
        (["/set format json"], {"format": "json"}),
        (["/set format json", "/set noformat"], {}),
        (["/set parameter temperature 0.5"], {"options": {"temperature": 0.5}}),
        (["/set parameter stop a b"], {"options": {"stop": ["a", "b"]}}),
    ],
)
def test_what_is_set_goes_into_the_next_request(server, talk, lines, fields):
    server.on("POST", "/api/chat", answer("ok"))
    talk(*lines, "hi")
    messages = [{"role": "user", "content": "hi"}]
    assert server.asked[-1].body == {"model": "m", "messages": messages, "options": {}} | fields


def test_a_system_message_may_have_several_lines_and_be_replaced(session, talk):
    talk("/set system first", '/set system """one', 'two"""')
    assert session.messages == [{"role": "system", "content": "one\ntwo"}]


def test_quotes_in_a_system_message_are_part_of_it(session, talk):
    talk('/set system Say "hi"')
    assert session.system == 'Say "hi"'


def test_a_system_message_is_shown_with_an_empty_line_whosever_it_is(server, talk):
    server.on("POST", "/api/show", Reply({"system": "Be kind."}))
    assert talk("/show system", "/bye") == "Be kind.\n\n"


def test_clear_keeps_the_system_message(server, session, talk):
    server.on("POST", "/api/chat", answer("ok"))
    talk("/set system Be kind.", "hi", "/clear")
    assert session.messages == [{"role": "system", "content": "Be kind."}]


def test_load_takes_another_model_and_begins_anew(server, session, talk):
    server.on("POST", "/api/chat", answer("ok"))
    assert talk("hi", "/load other", "/bye") == "ok\n\nLoading model 'other'\n"
    assert (session.model.name, session.messages) == ("other", [])
    assert server.asked[-1] == Asked("POST", "/api/generate", {"model": "other", "stream": False})


def test_load_of_an_unknown_model_keeps_the_old_one(server, session, talk):
    server.on("POST", "/api/show", Reply({"error": "not found"}, 404))
    assert talk("/load other", "/bye") == "Loading model 'other'\nCouldn't find model 'other'\n"
    assert session.model.name == "m"


def test_save_makes_a_model_of_the_conversation(server, talk):
    server.on("POST", "/api/chat", answer("ok"))
    server.on("POST", "/api/create", Reply([{"status": "success"}]))
    talk("/set system Be kind.", "/set parameter seed 1", "hi", "/save mine", "/bye")
    assert server.asked[-1].body == {
        "model": "mine",
        "from": "m",
        "system": "Be kind.",
        "parameters": {"seed": 1},
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "ok"},
        ],
    }


def test_show_parameters_lists_those_of_the_model_and_our_own(talk):
    assert talk("/set parameter num_ctx 512", "/show parameters", "/bye").partition("\n")[2] == (
        "Model defined parameters:\n  seed 1\n\n"
        "User defined parameters:\n  num_ctx                        512\n\n"
    )


def test_values_that_were_set_are_shown_as_the_server_writes_them(talk):
    lines = ("stop a b", "temperature 1", "top_p 0.5", "use_mmap true")
    shown = talk(*(f"/set parameter {line}" for line in lines), "/show parameters", "/bye")
    values = [line.split(None, 1)[1] for line in shown.partition("User defined")[2].splitlines()[1:5]]
    assert values == ["[a b]", "1", "0.5", "true"]


def test_show_info_goes_to_stderr(session, capsys):
    converse(session, Script(["/show info", "/bye"]))
    assert capsys.readouterr().err.startswith("  Model\n")


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("/?", "Available Commands:\n  /set            Set session variables"),
        ("/help set", "Available Commands:\n  /set parameter ..."),
        ("/? /show", "Available Commands:\n  /show info"),
        ("/? shortcuts", "Available keyboard shortcuts:"),
        ("/set", "Available Commands:\n  /set parameter ..."),
        ("/set parameter seed", "Available Parameters:"),
        ("/show", "Available Commands:\n  /show info"),
    ],
)
def test_help_goes_to_stderr(session, capsys, line, heading):
    converse(session, Script([line, "/bye"]))
    assert capsys.readouterr().err.startswith(heading)


def test_history_can_be_switched_off(session):
    script = Script(["/set nohistory", "/bye"])
    converse(session, script)
    assert script.history is False


def test_a_model_that_cannot_think_is_warned_about(session, capsys):
    converse(session, Script(["/set think", "/bye"]))
    assert capsys.readouterr().err == 'warning: model "m" does not support thinking output\n'


def test_the_model_is_loaded_before_the_first_message(server, session):
    session.request = RunRequest(session.model, think=True, keep_alive="5m0s", format="json")
    session.load()
    fields = {"model": "m", "keep_alive": "5m0s", "think": True, "stream": False}
    assert server.asked == [Asked("POST", "/api/generate", fields)]
