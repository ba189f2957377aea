"""The command line in a real pseudo-terminal, against a server whose answers are written down."""

from __future__ import annotations

import base64
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.helpers.scripted_server import Reply
from tests.helpers.server import wait_until
from tests.helpers.terminal import CTRL_C, CTRL_D, CTRL_J, CTRL_T, ENTER, TAB, UP, Terminal, terminal

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals"),
    pytest.mark.slow,
]

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def answer(text: str, **more: str) -> Reply:
    return Reply([{"message": {"role": "assistant", "content": text, **more}}, {"done": True}])


@pytest.fixture
def env(server, tmp_path):
    """An empty home, and a server with one model, `m`."""
    server.on("POST", "/api/show", Reply({"capabilities": ["completion"]}))
    server.on("POST", "/api/generate", Reply({"done": True}))
    server.on("POST", "/api/chat", answer("ok"))
    server.on("GET", "/api/tags", Reply({"models": [{"name": "llama3.2:1b"}, {"name": "pocket:latest"}]}))
    kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ}
    return {
        **kept,
        "HOME": str(tmp_path),
        "OLLAMA_HOST": f"127.0.0.1:{server.port}",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "EDITOR": f"{sys.executable} {tmp_path}/editor.py",
    }


@pytest.fixture
def chat(env, tmp_path) -> Iterator[Terminal]:
    with terminal("run", "m", env=env, cwd=tmp_path) as opened:
        yield opened


def said(server) -> list[str]:
    """The last message of each request of the chat."""
    return [asked.body["messages"][-1]["content"] for asked in server.asked if asked.path == "/api/chat"]


def endless(started: threading.Event, text: str = "word ") -> Callable[[], Iterator[object]]:
    """An answer that goes on until the client leaves."""

    def records() -> Iterator[object]:
        while True:
            yield {"message": {"content": text}}
            started.set()
            time.sleep(0.01)

    return records


def test_a_chat_is_answered_and_left_with_bye(server, chat):
    server.on("POST", "/api/chat", answer("Hello, **friend**."))
    chat.say("hi")
    chat.wait_for("Hello, friend.")
    chat.say("/bye")
    assert chat.wait_for_end() == 0
    assert chat.screen.lines()[:3] == [">>> hi", "Hello, friend.", ""]


def test_ctrl_d_leaves_and_ctrl_c_does_not(chat):
    chat.wait_for_prompt()
    chat.type("half a message" + CTRL_C)
    chat.wait_for("Use Ctrl + d or /bye to exit.")
    chat.wait_for_prompt()
    chat.type(CTRL_D)
    assert chat.wait_for_end() == 0


def test_messages_of_several_lines_arrive_whole(server, chat):
    chat.say('"""one')
    chat.wait_for("\n...")
    chat.type("two" + ENTER + 'three"""' + ENTER)
    chat.wait_for_prompt()
    chat.type("first" + CTRL_J + "second" + ENTER)
    chat.wait_for_prompt()
    chat.type("\x1b[200~pasted\nlines\x1b[201~" + ENTER)
    chat.wait_for_prompt()
    assert said(server) == ["one\ntwo\nthree", "first\nsecond", "pasted\nlines"]


def test_messages_come_back_in_the_next_chat(server, env, tmp_path):
    for keys in ("first" + CTRL_J + "second" + ENTER, UP + ENTER):
        with terminal("run", "m", env=env, cwd=tmp_path) as chat:
            chat.wait_for_prompt()
            chat.type(keys)
            chat.say("/bye" if keys.endswith("first") else "")
            chat.type(CTRL_D)
            chat.wait_for_end()
    assert said(server) == ["first\nsecond", "first\nsecond"]
    assert (tmp_path / ".corral" / "history").stat().st_mode & 0o777 == 0o600


def test_nothing_is_kept_without_history(env, tmp_path):
    with terminal("run", "m", env={**env, "OLLAMA_NOHISTORY": "1"}, cwd=tmp_path) as chat:
        chat.say("hi")
        chat.wait_for("ok")
        chat.say("/bye")
        assert chat.wait_for_end() == 0
    assert not (tmp_path / ".corral" / "history").exists()


def test_ctrl_c_stops_the_answer_and_keeps_the_chat(server, chat):
    started = threading.Event()
    server.on("POST", "/api/chat", Reply(endless(started)), answer("done now"))
    chat.say("go on")
    chat.wait_for("word word word")
    chat.type(CTRL_C)
    chat.say("and now")
    chat.wait_for("done now")
    roles = [message["role"] for message in server.asked[-1].body["messages"]]
    assert roles == ["user", "assistant", "user"]
    wait_until(lambda: server.num_deserted == 1)


def test_keys_typed_during_an_answer_wait_for_the_prompt(server, chat):
    typed = threading.Event()

    def records() -> Iterator[object]:
        yield {"message": {"content": "one **two** "}}
        assert typed.wait(20)
        time.sleep(0.2)  # the keys are with the terminal by then
        yield {"message": {"content": "three"}}
        yield {"done": True}

    server.on("POST", "/api/chat", Reply(records), answer("second answer"))
    chat.say("hi")
    chat.wait_for("one **two**")
    chat.type("next" + ENTER)
    typed.set()
    chat.wait_for("second answer")
    assert chat.screen.lines()[:5] == [">>> hi", "one two three", "", ">>> next", "second answer"]
    assert said(server) == ["hi", "next"]


def test_a_resize_in_the_middle_of_an_answer_wraps_at_the_new_width(server, chat):
    started, resized = threading.Event(), threading.Event()

    def records() -> Iterator[object]:
        yield {"message": {"content": "narrow " * 30}}
        started.set()
        assert resized.wait(20)
        yield {"message": {"content": "\n\n" + "日本語 wide " * 12}}
        yield {"done": True}

    server.on("POST", "/api/chat", Reply(records))
    chat.say("hi")
    assert started.wait(20)
    chat.wait_for("narrow narrow")
    chat.resize(50, 24)
    resized.set()
    chat.wait_for_prompt()
    wide = [line for line in chat.screen.lines() if "wide" in line]
    assert "".join(wide).count("日本語") == 12
    assert 4 <= len(wide) <= 6


def test_bytes_that_are_no_text_do_not_end_the_chat(server, chat):
    chat.wait_for_prompt()
    chat.type(b"caf\xe9 \xff\r")
    chat.wait_for("ok")
    chat.say("fine")
    chat.wait_for_prompt()
    first, second = said(server)
    assert (first.isascii(), second) == (False, "fine")


def test_two_hundred_lines_all_reach_the_screen(server, chat):
    lines = [f"line {number}" for number in range(200)]
    server.on("POST", "/api/chat", answer("\n".join(lines)))
    chat.say("count")
    chat.wait_for_prompt()
    shown = chat.screen.lines()
    assert shown[shown.index("line 0") : shown.index("line 199") + 1] == lines


def test_an_image_goes_with_the_message(server, env, tmp_path):
    server.on("POST", "/api/show", Reply({"capabilities": ["completion", "vision"]}))
    (tmp_path / "a cat.png").write_bytes(PNG)
    with terminal("run", "m", env=env, cwd=tmp_path) as chat:
        chat.say(r"what is this? ./a\ cat.png")
        chat.wait_for("Added image 'a cat.png'")
        chat.say("~/a cat.png and this?".replace(" cat", r"\ cat"))
        chat.wait_for("and this?")
        chat.wait_for_prompt()
    messages = [asked.body["messages"][-1] for asked in server.asked if asked.path == "/api/chat"]
    assert [message["content"] for message in messages] == ["what is this?", "and this?"]
    assert [message["images"] for message in messages] == [[base64.b64encode(PNG).decode()]] * 2


def test_thinking_is_folded_on_request_and_shown_by_a_key(server, chat):
    server.on("POST", "/api/chat", answer("Lima.", thinking="It is about Peru."))
    chat.say("/set fold")
    chat.say("capital of Peru?")
    chat.wait_for("▸ Thought for 0.0 s, about 4 words")
    chat.wait_for_prompt()
    assert "It is about Peru." not in chat.text()
    chat.type(CTRL_T)
    chat.wait_for("It is about Peru.")


def test_tab_completes_commands_and_models(chat):
    chat.wait_for_prompt()
    chat.type("/lo" + TAB + " po" + TAB)
    chat.wait_for(">>> /load pocket:latest")


def test_an_editor_writes_the_message(server, chat, tmp_path):
    (tmp_path / "editor.py").write_text("import sys; open(sys.argv[1], 'a').write(' and more')")
    chat.wait_for_prompt()
    chat.type("some\x07")
    chat.wait_for(">>> some and more")
    chat.type(ENTER)
    chat.wait_for("ok")
    assert said(server) == ["some and more"]


def test_a_server_that_goes_away_in_mid_answer_does_not_end_the_chat(server, chat):
    half = {"message": {"content": "half an ans"}}
    server.on("POST", "/api/chat", Reply(lambda: iter([half])), answer("back again"))
    chat.say("hi")
    chat.wait_for("half an ans")
    chat.say("still there?")
    chat.wait_for("back again")
    assert "error: the answer broke off" in chat.text()


def test_control_characters_of_a_model_do_not_steer_the_terminal(server, chat):
    server.on("POST", "/api/chat", answer("\x1b[2Jstill\x07 here"))
    chat.say("hi")
    chat.wait_for("[2Jstill here")
    assert ">>> hi" in chat.text()


def test_a_download_that_is_stopped_leaves_the_terminal_in_order(server, env, tmp_path):
    started = threading.Event()

    def records() -> Iterator[object]:
        for done in range(1, 1000):
            yield {
                "status": "pulling",
                "digest": "sha256:" + "a" * 64,
                "total": 10**9,
                "completed": done * 10**6,
            }
            started.set()
            time.sleep(0.02)

    server.on("POST", "/api/pull", Reply(records))
    with terminal("pull", "x", env=env, cwd=tmp_path) as screen:
        screen.wait_for("pulling aaaaaaaaaaaa:")
        screen.type(CTRL_C)
        assert screen.wait_for_end() == 130
    assert screen.raw.endswith("\x1b[?25h\x1b[?2026l\r\n")
    assert "Traceback" not in screen.text()


@contextmanager
def slow_receiver() -> Iterator[str]:
    """The address of a server that has no blobs, and takes a megabyte of one in a twentieth of a second."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def receive() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        if connection.recv(1 << 16).startswith(b"HEAD"):
                            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                        while connection.recv(1 << 20):
                            time.sleep(0.05)

        thread = threading.Thread(target=receive)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_an_upload_that_is_stopped_ends_at_once(env, tmp_path):
    (tmp_path / "Modelfile").write_text("FROM ./big.gguf\n")
    with (tmp_path / "big.gguf").open("wb") as file:
        file.write(b"GGUF")
        file.truncate(200 << 20)
    with (
        slow_receiver() as host,
        terminal("create", "m", env={**env, "OLLAMA_HOST": host}, cwd=tmp_path) as screen,
    ):
        screen.wait_for(" 1%")
        began = time.monotonic()
        screen.type(CTRL_C)
        assert screen.wait_for_end() == 130
        assert time.monotonic() - began < 5
    assert screen.raw.endswith("\x1b[?25h\x1b[?2026l\r\n")
    assert "Traceback" not in screen.text()


@pytest.mark.parametrize("command", ["list | head -1", "list | true", "config show | head -1"])
def test_a_reader_who_goes_away_is_no_error(server, env, tmp_path, command):
    entry = {"digest": "a" * 12, "size": 1, "modified_at": "2026-01-01T00:00:00Z"}
    server.on("GET", "/api/tags", Reply({"models": [{"name": f"m{i}:latest", **entry} for i in range(3000)]}))
    program = f"{sys.executable} -m corral.cli"
    line = f"{program} {command}; echo statuses ${{PIPESTATUS[@]}}"
    with terminal("/bin/bash", "-c", line, env=env, cwd=tmp_path, columns=250) as shell:
        shell.wait_for("statuses")
        assert shell.wait_for_end() == 0
    lines = shell.screen.lines()
    assert lines[-1] in ("statuses 141 0", "statuses 0 0")
    assert all(line.startswith(("NAME", "statuses")) for line in lines)


@pytest.fixture
def dead_server() -> Iterator[socket.socket]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_without_a_server_one_line_says_what_to_do(env, tmp_path):
    with terminal("list", env={**env, "OLLAMA_HOST": "127.0.0.1:9"}, cwd=tmp_path) as screen:
        assert screen.wait_for_end() == 1
    assert screen.text() == "Error: could not connect to corral server, run 'corral serve' to start it"


def test_a_server_that_hangs_up_is_told(dead_server, env, tmp_path):
    host = f"127.0.0.1:{dead_server.getsockname()[1]}"
    with terminal("list", env={**env, "OLLAMA_HOST": host}, cwd=tmp_path) as screen:
        dead_server.accept()[0].close()
        assert screen.wait_for_end() == 1
    assert screen.text().startswith(f"Error: the connection to http://{host} broke: ")


def test_waiting_for_a_dead_server_ends_with_ctrl_c(dead_server, env, tmp_path):
    host = f"127.0.0.1:{dead_server.getsockname()[1]}"
    with terminal("ps", env={**env, "OLLAMA_HOST": host}, cwd=tmp_path) as screen:
        connection, _ = dead_server.accept()
        screen.type(CTRL_C)
        assert screen.wait_for_end() == 130
        connection.close()
    assert screen.text() == "^C"
