"""The command line as a new user meets it: no server, no models, an empty home."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.helpers.server import assert_gone, free_port
from tests.helpers.terminal import terminal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="finds the server by its environment"),
]

QUESTION = "What is the capital city of Peru?"


def command(name):
    return shutil.which(name, path=str(Path(sys.executable).parent)) or pytest.fail(
        f"{name} is not installed"
    )


class Shell:
    """A user's shell with an empty home; the server that a command leaves behind is ended by `close`."""

    def __init__(self, home):
        self.host = f"127.0.0.1:{free_port()}"
        self.env = {
            **os.environ,
            "HOME": str(home),
            "OLLAMA_HOST": self.host,
            "TERM": "dumb",
            "COLUMNS": "100",
        }
        self.home = home

    def run(self, *arguments, name="corral", stdin=""):
        done = subprocess.run(
            [command(name), *arguments], env=self.env, input=stdin.encode(), capture_output=True, timeout=90
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def servers(self):
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if (process.info["cmdline"] or [])[-1:] == ["serve"] and self._is_ours(process)
        ]

    def _is_ours(self, process):
        try:
            return process.environ().get("OLLAMA_HOST") == self.host
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            return False

    def close(self):
        servers = self.servers()
        for server in servers:
            server.terminate()
        assert_gone(servers, timeout_s=20)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    shell = Shell(tmp_path_factory.mktemp("user"))
    yield shell
    shell.close()


def test_the_first_command_of_the_readme_answers(shell):
    status, out, err = shell.run("run", "pocket", QUESTION)
    assert status == 0, err
    assert "Lima" in out
    assert "starting the corral server in the background" in err
    assert len(shell.servers()) == 1


def test_the_second_command_finds_the_server(shell):
    status, out, err = shell.run("run", "pocket", QUESTION)
    assert (status, err.count("starting")) == (0, 0)
    assert "Lima" in out


def test_commands_of_other_tutorials_work_as_written(shell):
    assert "Lima" in shell.run("run", "pocket", QUESTION, name="ollama")[1]
    assert shell.run("list", name="ollama")[1].startswith("NAME")


def test_a_prompt_comes_from_a_pipe_too(shell):
    assert "Lima" in shell.run("run", "pocket", stdin=QUESTION)[1]


def test_tables_can_be_read_by_programs(shell):
    listed = json.loads(shell.run("list", "--json")[1])["models"]
    assert [model["name"] for model in listed] == ["pocket:latest"]
    loaded = json.loads(shell.run("ps", "--json")[1])["models"]
    assert [model["name"] for model in loaded] == ["pocket:latest"]
    assert "completion" in json.loads(shell.run("show", "pocket", "--json")[1])["capabilities"]


def test_a_chat_in_a_terminal_is_answered_saved_and_continued(shell):
    env = {**shell.env, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    with terminal("run", "pocket", env=env) as chat:
        chat.say(QUESTION)
        chat.wait_for("The capital of Peru is Lima.")
        chat.say("/set system Be brief.")
        chat.say("/save kept")
        chat.wait_for("Created new model 'kept'")
        chat.say("/load kept")
        chat.wait_for_prompt()
        chat.say("/show system")
        chat.wait_for("Be brief.")
        chat.say("/bye")
        assert chat.wait_for_end() == 0
    with terminal("run", "kept", env=env) as chat:
        chat.wait_for(f">>> {QUESTION}")
        chat.say("/bye")
        assert chat.wait_for_end() == 0
    assert shell.run("rm", "kept")[0] == 0


def test_a_load_is_planned_without_loading(shell):
    status, out, _ = shell.run("plan", "pocket", "--json")
    plan = json.loads(out)
    assert (status, plan["fits"]) == (0, True)
    assert 0 < plan["memory"]["weights"] < plan["memory"]["total"] == plan["places"][0]["takes"]
    assert plan["num_ctx"] <= plan["max_num_ctx"] <= plan["trained_num_ctx"]


def test_speeds_are_measured_and_compared(shell):
    first = json.loads(shell.run("bench", "pocket", "--rounds", "1", "--json")[1])
    second = json.loads(shell.run("bench", "pocket", "--rounds", "1", "--json")[1])
    assert first["prompt"] > 0
    assert first["answer"] > 0
    assert second["last"]["measured_at"] == first["measured_at"]


def test_nothing_is_wrong_with_a_fresh_installation(shell):
    status, out, _ = shell.run("doctor")
    assert status == 0, out
    assert "0 problems" in out


def test_statistics_are_shown_on_request(shell):
    status, out, err = shell.run("run", "pocket", "--verbose", QUESTION)
    assert status == 0
    assert "eval rate:" in out + err


def test_a_model_of_ones_own_is_created_used_copied_and_removed(shell, tmp_path):
    modelfile = tmp_path / "Modelfile"
    modelfile.write_text("FROM pocket\nPARAMETER temperature 0\nSYSTEM You are kind.\n")
    assert shell.run("create", "mine", "-f", str(modelfile))[0] == 0
    assert "Lima" in shell.run("run", "mine", QUESTION)[1]
    assert shell.run("cp", "mine", "yours")[0] == 0
    assert shell.run("show", "yours", "--system")[1].strip() == "You are kind."
    assert shell.run("rm", "mine", "yours")[0] == 0
    assert "mine" not in shell.run("list")[1]


def test_a_loaded_model_is_stopped(shell):
    assert shell.run("stop", "pocket")[0] == 0
    assert json.loads(shell.run("ps", "--json")[1])["models"] == []
