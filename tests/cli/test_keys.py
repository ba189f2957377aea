import json
import stat

import pytest

from tests.helpers.scripted_server import Reply


def make(corral, name="alice", *flags):
    return corral("keys", "create", name, *flags)


def test_a_new_key_stands_alone_on_stdout(corral):
    made = make(corral)
    assert made.status == 0
    assert made.out.startswith("corral-")
    assert made.out.count("\n") == 1
    assert "cannot be shown again" in made.err


def test_keys_are_listed_with_their_limits_and_never_in_full(corral):
    secret = make(corral, "alice", "--scope", "infer,admin", "--rate", "60/min", "--concurrency", "4").out
    listed = corral("keys", "list").out
    assert secret.strip() not in listed
    row = listed.splitlines()[1].split()
    assert row[0] == "alice"
    assert row[2:7] == ["infer,admin", "60/min", "-", "4", "0"]


def test_without_keys_the_list_is_empty_and_no_file_is_made(corral, tmp_path):
    assert len(corral("keys", "list").out.splitlines()) == 1
    assert not (tmp_path / ".corral").exists()


def test_the_list_for_programs_is_json(corral):
    make(corral, "alice", "--tokens", "1M/day", "--expires", "90d")
    (record,) = json.loads(corral("keys", "list", "--json").out)["keys"]
    assert (record["name"], record["tokens"], record["rate"]) == ("alice", "1M/day", None)
    assert record["expires_at"] > record["created_at"]


def test_a_revoked_key_is_shown_as_such(corral):
    make(corral)
    assert corral("keys", "revoke", "alice").out == "revoked 'alice'\n"
    assert corral("keys", "list").out.splitlines()[1].split()[-1] == "revoked"


def test_the_file_of_the_keys_is_the_owners_alone(corral, tmp_path):
    make(corral)
    assert stat.S_IMODE((tmp_path / ".corral" / "corral.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("revoke", "bob"), 'there is no key "bob" in use'),
        (("create", "bad name"), "is no name for a key"),
        (("create", "bob", "--rate", "60"), "60/min or 1M/day"),
        (("create", "bob", "--scope", "all"), 'unknown scope "all"'),
        (("create",), "usage: corral keys create NAME"),
        (("list", "bob"), "usage: corral keys list"),
        (("destroy", "bob"), 'unknown action "destroy"'),
    ],
)
def test_a_mistake_is_told_in_one_line(corral, words, message):
    outcome = corral("keys", *words)
    assert outcome.status == 1
    assert message in outcome.err
    assert outcome.out == ""


def test_keys_of_another_machine_are_managed_through_its_api(corral, server, monkeypatch):
    monkeypatch.setattr("corral.cli.commands.keys.is_local", lambda host: False)
    monkeypatch.setenv("CORRAL_API_KEY", "corral-admin")
    server.on("POST", "/api/keys", Reply({"name": "bob", "key": "corral-secret"}, 201))
    server.on("DELETE", "/api/keys/bob", Reply())
    assert make(corral, "bob", "--scope", "infer").out == "corral-secret\n"
    assert corral("keys", "revoke", "bob").status == 0
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("POST", "/api/keys"),
        ("DELETE", "/api/keys/bob"),
    ]
    assert server.asked[0].body["scopes"] == ["infer"]
    assert server.headers[0]["Authorization"] == "Bearer corral-admin"
