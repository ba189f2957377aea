from __future__ import annotations

import json

import pytest

FILE = 'host = "127.0.0.1:1"\nkeep_alive = -1\napi_key = "secret"\n'


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / ".corral"
    folder.mkdir()
    (folder / "config.toml").write_text(FILE)
    monkeypatch.setenv("OLLAMA_NUM_PARALLEL", "3")
    return folder


def test_every_setting_is_shown_with_its_origin(home, corral):
    rows = [line.split() for line in corral("config", "show").out.splitlines()]
    assert rows[0] == ["NAME", "VALUE", "FROM"]
    assert ["keep_alive", "forever", "config.toml,", "line", "2"] in rows
    assert ["num_parallel", "3", "OLLAMA_NUM_PARALLEL"] in rows
    assert ["max_queue", "512", "default"] in rows
    assert ["flash_attention", "-", "default"] in rows


def test_the_engine_that_is_used_is_shown_with_the_reason(home, corral, monkeypatch):
    assert corral("config", "show").out.splitlines()[-1].split(None, 2)[:2] == ["(engine)", "packaged"]
    monkeypatch.setenv("CORRAL_LLAMA_SERVER", "/opt/llama-server")
    shown = json.loads(corral("config", "show", "--json").out)
    expected = {"name": "llama_server", "why": "the setting llama_server names it", "fault": ""}
    assert shown["engine"] == expected


def test_a_key_is_never_shown(home, corral):
    assert "secret" not in corral("config", "show").out + corral("config", "show", "--json").out


def test_settings_can_be_read_by_programs(home, corral):
    shown = json.loads(corral("config", "show", "--json").out)
    assert shown["file"] == str(home / "config.toml")
    settings = {entry["name"]: entry for entry in shown["settings"]}
    assert settings["keep_alive"] == {"name": "keep_alive", "value": None, "from": "config.toml, line 2"}
    assert settings["load_timeout"]["value"] == 300


def test_the_path_of_the_file_is_printed(home, corral):
    assert corral("config", "path").out == f"{home}/config.toml\n"


def test_a_bad_file_stops_every_command_with_one_error(home, corral):
    (home / "config.toml").write_text("keep_alive = [1]")
    outcome = corral("list")
    problem = '"keep_alive" must be a duration such as "5m", or seconds'
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == f"Error: {home}/config.toml, line 1: {problem}\n"


def test_an_action_that_is_none_names_those_there_are(corral):
    outcome = corral("config", "edit")
    assert outcome.err == 'Error: unknown action "edit" for "corral config"\nhint: use one of: show, path\n'
