from __future__ import annotations

import json

import pytest

from tests.helpers.scripted_server import Asked, Reply

ID = "0123456789abcdef" * 4
BLOB = f"sha256:{ID}"


def compared(**states: str) -> Reply:
    return Reply(
        {"models": [{"name": n, "digest": ID, "state": s, "problem": ""} for n, s in states.items()]}
    )


def test_outdated_tells_the_state_of_each_model(server, corral):
    server.on("GET", "/api/outdated?model=a&model=b", compared(a="current", b="outdated"))
    assert corral("outdated", "a", "b").out.splitlines() == [
        "NAME    ID              STATE               ",
        "a       0123456789ab    up to date             ",
        "b       0123456789ab    newer version there    ",
    ]


def test_outdated_says_why_a_registry_could_not_be_asked(server, corral):
    model = {"name": "a", "digest": ID, "state": "unknown", "problem": "no route"}
    server.on("GET", "/api/outdated?", Reply({"models": [model]}))
    assert "could not be asked: no route" in corral("outdated").out
    assert json.loads(corral("outdated", "--json").out) == {"models": [model]}


def test_pull_all_brings_what_is_newer_and_nothing_else(server, corral):
    server.on("GET", "/api/outdated?", compared(a="current", b="outdated", c="local"))
    server.on("POST", "/api/pull", Reply([{"status": "success"}]))
    outcome = corral("pull", "--all")
    assert (outcome.status, outcome.out) == (0, "1 of 3 models had a newer version\n")
    assert server.asked[-1] == Asked("POST", "/api/pull", {"name": "b", "insecure": False})


def test_pull_all_goes_on_after_a_model_that_fails(server, corral):
    server.on("GET", "/api/outdated?", compared(a="outdated", b="outdated"))
    server.on("POST", "/api/pull", Reply([{"error": "no space"}]), Reply([{"status": "success"}]))
    outcome = corral("pull", "--all")
    assert (outcome.status, outcome.err.splitlines()[-1]) == (1, "Error: not brought up to date: a")
    assert [asked.body["name"] for asked in server.asked if asked.path == "/api/pull"] == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pull"], "accepts 1 arg(s), received 0"),
        (["pull", "--all", "a"], "--all stands for all models: name none"),
        (["rm"], "requires at least 1 arg(s), only received 0"),
    ],
)
def test_what_to_do_must_be_clear(corral, words, message):
    assert corral(*words).err.splitlines()[0] == f"Error: {message}"


def test_rm_can_remove_what_no_model_needs(server, corral):
    server.on("POST", "/api/prune", Reply({"freed": 2_500_000}))
    assert corral("rm", "--prune").out == "removed 2.5 MB of old files that no model needs\n"


def test_rm_can_remove_all_saved_prompts(server, corral):
    server.on("POST", "/api/prune?prompts=1", Reply({"freed": 2_500_000}))
    outcome = corral("rm", "--prune", "--prompts")
    assert outcome.out == "removed 2.5 MB of old files that no model needs and of saved prompts\n"


def test_du_shows_what_would_be_free_without_each_model(server, corral):
    models = [{"name": "a", "size": 1000, "unique": 0}, {"name": "b", "size": 5000, "unique": 4000}]
    use = {"models": models, "blobs": 7000, "unused": 1000, "unfinished": 2000, "prompts": 3000}
    server.on("GET", "/api/du", Reply(use))
    assert [line.rstrip() for line in corral("du").out.splitlines()] == [
        "NAME    SIZE    UNIQUE    SHARED",
        "b       5 KB    4 KB      1 KB",
        "a       1 KB    0 B       1 KB",
        "",
        "all files     9 KB",
        "unused        1 KB",
        "unfinished    2 KB",
        "prompts       3 KB",
    ]
    assert json.loads(corral("du", "--json").out) == use


def test_verify_says_that_all_is_well(server, corral):
    progress = {"status": "verifying 0123", "digest": BLOB, "total": 2, "completed": 2}
    server.on("POST", "/api/verify", Reply([progress, {"status": "success"}]))
    outcome = corral("verify", "a")
    assert (outcome.status, outcome.out) == (0, "all files are as they should be\n")
    assert server.asked[0].body == {"models": ["a"], "repair": False}


DAMAGE = {"status": "damaged", "digest": BLOB, "problem": "is missing", "models": ["a", "b"]}


def test_verify_names_what_is_damaged_and_what_to_do(server, corral):
    server.on("POST", "/api/verify", Reply([DAMAGE, {"status": "success"}]))
    outcome = corral("verify")
    assert (outcome.status, outcome.out) == (1, f"{BLOB} is missing (in a, b)\n")
    assert outcome.err.splitlines()[-2:] == [
        "Error: damaged: a, b",
        "hint: to download what is damaged again: corral verify --repair a b",
    ]


def test_verify_names_the_model_whose_manifest_is_damaged(server, corral):
    damage = {"status": "damaged", "digest": "", "problem": "the manifest cannot be read", "models": ["a"]}
    server.on("POST", "/api/verify", Reply([damage, {"status": "success"}]))
    assert corral("verify").out == "the manifest cannot be read (in a)\n"


@pytest.mark.parametrize(
    ("records", "status", "damaged"),
    [
        ([DAMAGE], 1, [{"digest": BLOB, "problem": "is missing", "models": ["a", "b"]}]),
        ([], 0, []),
    ],
)
def test_verify_tells_programs_what_is_damaged(server, corral, records, status, damaged):
    server.on("POST", "/api/verify", Reply([*records, {"status": "success"}]))
    outcome = corral("verify", "--json")
    assert (outcome.status, json.loads(outcome.out)) == (status, {"damaged": damaged})


def test_verify_brings_again_what_is_damaged(server, corral):
    server.on("POST", "/api/verify", Reply([DAMAGE, {"status": "success"}]))
    server.on("POST", "/api/pull", Reply([{"status": "success"}]))
    assert corral("verify", "--repair").status == 0
    assert [asked.body["name"] for asked in server.asked if asked.path == "/api/pull"] == ["a", "b"]


def test_the_hint_of_the_server_is_shown(server, corral):
    server.on("POST", "/api/pull", Reply([{"error": "denied", "hint": "sign in"}]))
    assert corral("pull", "a").err == "Error: denied\nhint: sign in\n"
