from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from corral import __version__
from corral.cli.doctor import engine, machine, models, program, server
from corral.cli.doctor.finding import Finding
from corral.core.manifest import Layer, Manifest
from corral.core.names import ModelName
from corral.engine import EngineBuild
from corral.errors import LoadError
from corral.hardware import GPU, Memory
from corral.settings import Address, Settings, read_settings
from corral.store import Store
from tests.helpers.scripted_server import Reply


def bad(findings: Iterator[Finding]) -> list[tuple[str, str, str]]:
    """Level, text and fix of what is not in order."""
    return [(found.level, found.text, found.fix) for found in findings if found.level != "ok"]


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return read_settings({"HOME": str(tmp_path)})


def test_a_variable_that_nobody_reads_is_taken_for_a_mistake(settings, monkeypatch):
    monkeypatch.setenv("OLLAMA_NUM_PARALEL", "3")
    found = (
        "warning",
        "OLLAMA_NUM_PARALEL is set, but has no effect here",
        "did you mean OLLAMA_NUM_PARALLEL?",
    )
    assert found in bad(program.look(settings))


@pytest.mark.parametrize(
    ("value", "known"), [("http://u:p@proxy:3128", True), ("x:y:z", False), ("ftp://p", False)]
)
def test_a_proxy_is_named_without_its_password(settings, monkeypatch, value, known):
    monkeypatch.setenv("https_proxy", value)
    found = [finding for finding in program.look(settings) if finding.topic == "proxy"]
    assert [finding.level for finding in found] == ["ok" if known else "problem"]
    assert not known or found[0].text == "downloads go through proxy:3128 (https_proxy)"


def test_a_key_that_others_can_read_is_told(settings):
    settings.identity.mkdir()
    key = settings.identity / "id_ed25519"
    key.touch(mode=0o644)
    key.chmod(0o644)
    assert bad(program.look(settings))[-1] == (
        "warning", f"others on this machine can read {key}", f"chmod 600 {key}"
    )  # fmt: skip


@pytest.fixture
def at(server_script, settings, tmp_path):
    return Settings(address=Address(port=server_script.port), home=tmp_path)


@pytest.fixture
def server_script(request):
    return request.getfixturevalue("server")


def test_a_server_of_this_version_is_in_order(server_script, at):
    server_script.on("GET", "/api/version", Reply({"version": __version__}))
    server_script.on("GET", "/api/ps", Reply({"models": [{"name": "m:latest"}]}))
    texts = [finding.text for finding in server.look(at)]
    assert texts == [
        f"version {__version__} answers at http://127.0.0.1:{at.address.port}",
        "loaded: m:latest",
    ]


def test_a_server_of_another_version_and_a_stranger_are_told(server_script, at):
    server_script.on("GET", "/api/version", Reply({"version": "0.9.9"}))
    server_script.on("GET", "/api/ps", Reply({"models": []}))
    assert bad(server.look(at))[0][0] == "warning"
    server_script.on("GET", "/api/version", Reply(b"<html>"))
    assert "is no server of ours" in bad(server.look(at))[0][1]


def test_a_server_that_hangs_is_told(settings, monkeypatch):
    monkeypatch.setattr(server, "SHORT_PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(port=listener.getsockname()[1])
        (found,) = bad(server.look(Settings(address=address)))
    assert found[1] == f"the server at {address.url} takes connections but does not answer"


def test_without_a_server_the_port_is_tried(settings):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (found,) = server.look(Settings(address=Address(port=port)))
    assert (found.level, found.text) == (
        "ok",
        f"not running; the first command starts it at http://127.0.0.1:{port}",
    )


def test_a_server_on_another_machine_that_is_silent_is_a_problem():
    (found,) = server.look(Settings(address=Address(host="127.0.0.2", port=9)))
    assert found.level == "warning"  # a port that needs privileges


def test_an_engine_that_cannot_start_says_what_to_do(settings, monkeypatch):
    def fail(native: Path | None) -> EngineBuild:
        raise LoadError("libgomp.so.1: cannot open shared object file", hint="apt-get install libgomp1")

    monkeypatch.setattr(engine, "describe", fail)
    assert bad(engine.look(settings)) == [
        (
            "problem",
            "it cannot be started: libgomp.so.1: cannot open shared object file",
            "apt-get install libgomp1",
        )
    ]


def test_a_card_that_the_engine_does_not_use_is_told(settings, monkeypatch):
    monkeypatch.setattr(engine, "describe", lambda native: EngineBuild("x", ("AVX2",)))
    monkeypatch.setattr(engine.hardware, "gpus", lambda: (GPU("Card", 8, 8),))
    assert bad(engine.look(settings))[0][1] == "Card is not used: the engine in use is for CPUs"


def test_little_memory_is_told(settings, monkeypatch):
    monkeypatch.setattr(machine.hardware, "memory", lambda: Memory(8_000_000_000, 500_000_000))
    assert "500 MB of memory free of 8 GB" in bad(machine.look(settings))[0][1]


def test_a_store_without_models_is_in_order(settings):
    assert bad(models.look(settings)) == []


def test_what_is_missing_in_the_store_is_named(settings):
    store = Store(settings.models)
    digest = store.blobs.add_bytes(b"weights")
    layer = Layer("application/vnd.ollama.image.model", str(digest), 7)
    for name in ("good", "gone", "short"):
        store.manifests.write(ModelName.parse(name), Manifest(layers=(layer,)).encode())
    gone = Layer(layer.media_type, "sha256:" + "0" * 64, 7)
    store.manifests.write(ModelName.parse("gone"), Manifest(layers=(gone,)).encode())
    short = Layer(layer.media_type, str(digest), 9)
    store.manifests.write(ModelName.parse("short"), Manifest(layers=(short,)).encode())
    broken = store.manifests.path(ModelName.parse("broken"))
    broken.parent.mkdir()
    broken.write_text("{")
    found = bad(models.look(settings))
    assert [text.split(":")[0] for _, text, _ in found] == ["broken", "gone", "short"]
    assert found[1][1:] == (
        "gone:latest: sha256:000000000000 is missing",
        "'corral pull gone:latest' fetches what is missing",
    )
    assert found[2][1].endswith("has 7 bytes instead of 9")


def test_the_whole_examination_ends_with_a_count_and_a_status(server, corral, monkeypatch, tmp_path):
    server.on("GET", "/api/version", Reply({"version": __version__}))
    server.on("GET", "/api/ps", Reply({"models": []}))
    monkeypatch.setattr(engine, "describe", lambda native: EngineBuild("x", ("AVX2",)))
    outcome = corral("doctor")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1].startswith("0 problems, ")
    monkeypatch.setenv("CORRAL_LLAMA_SERVER", str(tmp_path / "nothing"))
    failed = corral("doctor", "--json")
    topics = [found["topic"] for found in json.loads(failed.out)["findings"] if found["level"] == "problem"]
    assert (failed.status, topics) == (1, ["engine"])
