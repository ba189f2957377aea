from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from corral import __version__
from corral.cli.commands.ps import processor
from tests.helpers.scripted_server import Asked, Reply

DIGEST = "0123456789abcdef" * 4


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def tags(*names: str) -> Reply:
    models = [
        {"name": name, "digest": DIGEST, "size": 8_000_000, "modified_at": ago(hours=2)} for name in names
    ]
    return Reply({"models": models})


def test_list_shows_the_models_as_the_server_orders_them(server, corral):
    server.on("GET", "/api/tags", tags("b:latest", "a:latest"))
    outcome = corral("list")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == (
        "NAME        ID              SIZE    MODIFIED    \n"
        "b:latest    0123456789ab    8 MB    2 hours ago    \n"
        "a:latest    0123456789ab    8 MB    2 hours ago    \n"
    )


def test_list_takes_the_beginning_of_a_name_in_any_case(server, corral):
    server.on("GET", "/api/tags", tags("Llama:latest", "qwen:latest"))
    assert [line.split()[0] for line in corral("ls", "lLA").out.splitlines()] == ["NAME", "Llama:latest"]


def test_list_as_json_is_the_answer_of_the_server(server, corral):
    reply = tags("a:latest")
    server.on("GET", "/api/tags", reply)
    assert json.loads(corral("list", "--json").out) == reply.body


def test_list_shows_no_size_for_models_that_run_elsewhere(server, corral):
    model = {"name": "r", "digest": DIGEST, "size": 1, "modified_at": "0001-01-01T00:00:00Z"}
    server.on("GET", "/api/tags", Reply({"models": [{**model, "remote_model": "r"}]}))
    assert corral("list").out.splitlines()[1] == "r       0123456789ab    -       Never       "


def test_ps_shows_where_a_model_is_and_how_long(server, corral):
    model = {"name": "a:latest", "digest": DIGEST, "size": 1000, "size_vram": 520, "context_length": 4096}
    models = [
        {**model, "expires_at": ago(minutes=-4.5)},
        {**model, "expires_at": ago(seconds=1)},
        {**model, "expires_at": "2318-01-01T00:00:00.123456789Z"},
    ]
    server.on("GET", "/api/ps", Reply({"models": models}))
    assert corral("ps").out == (
        "NAME        ID              SIZE    PROCESSOR          CONTEXT    UNTIL              \n"
        "a:latest    0123456789ab    1 KB    48%/52% CPU/GPU    4096       4 minutes from now    \n"
        "a:latest    0123456789ab    1 KB    48%/52% CPU/GPU    4096       Stopping...           \n"
        "a:latest    0123456789ab    1 KB    48%/52% CPU/GPU    4096       Forever               \n"
    )


def test_ps_understands_a_server_that_does_not_tell_the_context_window(server, corral):
    model = {"name": "a:latest", "digest": "0" * 64, "size": 1, "size_vram": 0, "expires_at": ""}
    server.on("GET", "/api/ps", Reply({"models": [model]}))
    assert corral("ps").out.splitlines()[1].split() == [
        "a:latest",
        "0" * 12,
        "1",
        "B",
        "100%",
        "CPU",
        "0",
        "Never",
    ]


def test_ps_tells_a_program_why_a_model_was_loaded(server, corral):
    server.on(
        "GET", "/api/ps?verbose=1", Reply({"models": [{"name": "a:latest", "reason": "first request"}]})
    )
    assert '"reason": "first request"' in corral("ps", "--json").out


@pytest.mark.parametrize(
    ("size", "on_gpu", "text"),
    [
        (10, 0, "100% CPU"),
        (10, 10, "100% GPU"),
        (10, 11, "Unknown"),
        (0, 5, "Unknown"),
        (8, 3, "63%/37% CPU/GPU"),
    ],
)
def test_the_processor_follows_from_the_sizes(size, on_gpu, text):
    assert processor(size, on_gpu) == text


def test_stop_unloads_a_model_without_a_word(server, corral):
    server.on("POST", "/api/show", Reply({}))
    server.on("POST", "/api/generate", Reply({"done": True}))
    outcome = corral("stop", "m")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")
    assert server.asked == [
        Asked("POST", "/api/show", {"model": "m"}),
        Asked("POST", "/api/generate", {"model": "m", "prompt": "", "keep_alive": "0s", "stream": False}),
    ]


def test_stop_of_an_unknown_model_says_so(server, corral):
    server.on("POST", "/api/show", Reply({"error": "model 'm:latest' not found"}, 404))
    outcome = corral("stop", "m")
    assert (outcome.status, outcome.err) == (1, 'Error: couldn\'t find model "m" to stop\n')


def test_cp_says_what_was_copied(server, corral):
    server.on("POST", "/api/copy", Reply())
    assert corral("cp", "a", "b").out == "copied 'a' to 'b'\n"
    assert server.asked == [Asked("POST", "/api/copy", {"source": "a", "destination": "b"})]


def test_rm_ends_at_the_first_model_that_cannot_be_removed(server, corral):
    server.on("POST", "/api/show", Reply({"error": "broken"}, 500), Reply({"error": "model not found"}, 404))
    server.on("DELETE", "/api/delete", Reply(), Reply({"error": "model 'b' not found"}, 404))
    outcome = corral("rm", "a", "b", "c")
    assert (outcome.status, outcome.out) == (1, "deleted 'a'\n")
    assert outcome.err == "Warning: unable to stop model 'a'\nError: model 'b' not found\n"
    assert [asked.body for asked in server.asked if asked.method == "DELETE"] == [
        {"name": "a"},
        {"name": "b"},
    ]


@pytest.mark.parametrize(
    ("flag", "out"),
    [
        ("--license", "MIT\n"),
        ("--modelfile", "FROM x\n"),
        ("--parameters", "seed 1\n"),
        ("--system", "Be kind."),
        ("--template", "{{ .Prompt }}"),
    ],
)
def test_show_prints_one_part_alone(server, corral, flag, out):
    parts = {"license": "MIT", "modelfile": "FROM x", "parameters": "seed 1"}
    server.on("POST", "/api/show", Reply({**parts, "system": "Be kind.", "template": "{{ .Prompt }}"}))
    assert corral("show", "m", flag).out == out
    assert server.asked[0].body == {"model": "m", "verbose": False}


def test_show_refuses_two_parts(corral):
    assert corral("show", "m", "--license", "--system").err == (
        "Error: only one of '--license', '--modelfile', '--parameters', '--system', or '--template' "
        "can be specified\n"
    )


def test_show_as_json_is_the_answer_of_the_server(server, corral):
    server.on("POST", "/api/show", Reply({"license": "MIT", "details": {}}))
    assert json.loads(corral("show", "m", "--json").out) == {"license": "MIT", "details": {}}


def test_pull_ends_with_the_error_of_the_stream(server, corral):
    error = "pull model manifest: file does not exist"
    server.on("POST", "/api/pull", Reply([{"status": "pulling manifest"}, {"error": error}]))
    outcome = corral("pull", "m", "--insecure")
    assert (outcome.status, outcome.err) == (1, f"pulling manifest\nError: {error}\n")
    assert server.asked == [Asked("POST", "/api/pull", {"name": "m", "insecure": True})]


def test_push_tells_where_the_model_is(server, corral):
    server.on("POST", "/api/me", Reply({"error": "account unavailable"}, 503))
    server.on("POST", "/api/push", Reply([{"status": "success"}]))
    outcome = corral("push", "me/m")
    assert outcome.out == "\nYou can find your model at:\n\n\thttps://ollama.com/me/m\n"
    assert server.asked[1] == Asked("POST", "/api/push", {"name": "me/m", "insecure": False})


def test_push_to_another_registry_asks_no_account_service(server, corral):
    server.on("POST", "/api/push", Reply([{"status": "success"}]))
    assert corral("push", "host.test/me/m:1").out.endswith("\thost.test/me/m:1\n")
    assert [asked.path for asked in server.asked] == ["/api/push"]


def test_push_says_where_to_sign_in(server, corral):
    server.on("POST", "/api/me", Reply({"error": "unauthorized", "signin_url": "https://x/y"}, 401))
    outcome = corral("push", "me/m")
    assert outcome.status == 0
    assert outcome.out.endswith("If your browser did not open, navigate to:\n    https://x/y\n\n")


def test_push_explains_a_refusal(server, corral):
    server.on("POST", "/api/push", Reply([{"error": "unauthorized: access denied"}]))
    assert corral("push", "host.test/me/m").err.endswith(
        "Error: you are not authorized to push to this namespace, "
        "create the model under a namespace you own\n"
    )


def test_the_version_of_the_server_is_told(server, corral):
    server.on("GET", "/api/version", Reply({"version": __version__}))
    assert corral("-v").out == f"corral version is {__version__}\n"


def test_a_server_of_another_version_is_told(server, corral):
    server.on("GET", "/api/version", Reply({"version": "9.9.9"}))
    assert corral("--version").out == (f"corral version is 9.9.9\nWarning: client version is {__version__}\n")


def test_the_version_is_told_without_a_server(corral, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    outcome = corral("--version")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == (
        f"Warning: could not connect to a running Corral instance\nWarning: client version is {__version__}\n"
    )


@pytest.mark.parametrize("word", ["signin", "login", "signout", "logout"])
def test_there_is_no_cloud_to_sign_in_to(server, corral, word):
    outcome = corral(word)
    assert outcome.out.startswith("Corral has no cloud: models run on your own machines")
    assert (outcome.status, server.asked) == (0, [])


def test_nothing_is_started_on_the_ports_of_system_services(corral, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    outcome = corral("list")
    text = "could not connect to corral server, run 'corral serve' to start it"
    assert (outcome.status, outcome.err) == (1, f"Error: {text}\n")


@pytest.mark.parametrize(
    "words", [("pull", "m"), ("push", "host.test/a/m"), ("create", "m", "-f", "Modelfile")]
)
def test_the_steps_of_a_transfer_can_be_read_by_programs(server, corral, tmp_path, words):
    records = [{"status": "one", "total": 2}, {"status": "success"}]
    (tmp_path / "Modelfile").write_text("FROM other\n")
    server.on("POST", f"/api/{words[0]}", Reply(records))
    outcome = corral(*words, "--json")
    assert [json.loads(line) for line in outcome.out.splitlines()] == records


def test_versions_can_be_read_by_programs(server, corral):
    server.on("GET", "/api/version", Reply({"version": "9.9.9"}))
    assert json.loads(corral("--version", "--json").out) == {"client": __version__, "server": "9.9.9"}
    server.on("GET", "/api/version", Reply({}, 500))
    assert json.loads(corral("--version", "--json").out)["server"] is None
