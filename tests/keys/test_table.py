import sqlite3

import pytest

from corral.database import DatabaseFile, database_path
from corral.errors import InvalidInput, NotFound
from corral.keys import create_key, key_record, list_keys, read_new_key, revoke_key
from corral.keys.key import digest_of
from corral.keys.table import Used, add_usage


@pytest.fixture
def file(tmp_path):
    opened = DatabaseFile(database_path(tmp_path))
    yield opened
    opened.close()


def make(file, name="alice", **wanted):
    new = read_new_key(name, 1000.0, **wanted)
    file.write(lambda connection: create_key(connection, new))
    return new


def revoke(file, name):
    file.write(lambda connection: revoke_key(connection, name, 2000.0))


def test_a_key_is_read_as_it_was_made(file):
    new = make(file, scopes=["infer", "admin"], rate="60/min", tokens="1M/day", concurrency=4, expires="1h")
    (row,) = file.read(list_keys)
    assert row.key.scopes == {"infer", "admin"}
    assert (row.key.rate, row.key.tokens, row.key.concurrency) == (new.key.rate, new.key.tokens, 4)
    assert row.key.expires_at == 1000 + 3600
    assert row.digest == digest_of(new.secret)


def test_the_secret_itself_is_nowhere_in_the_file(file, tmp_path):
    secret = make(file).secret
    file.close()
    assert all(secret.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_every_secret_is_another_one(file):
    assert make(file, "a").secret != make(file, "b").secret


def test_a_name_is_used_once(file):
    make(file)
    with pytest.raises(InvalidInput, match='"alice" already'):
        make(file)


def test_the_name_of_a_revoked_key_can_be_used_again(file):
    make(file)
    revoke(file, "alice")
    make(file, rate="1/s")
    alice, earlier = file.read(list_keys)
    assert (alice.key.name, alice.key.revoked_at, alice.key.rate.text) == ("alice", None, "1/s")
    assert (earlier.key.name, earlier.key.revoked_at) == ("alice~1", 2000.0)
    assert alice.key.id != earlier.key.id


def test_a_key_that_is_not_there_cannot_be_revoked(file):
    make(file)
    revoke(file, "alice")
    for name in ("alice", "bob"):
        with pytest.raises(NotFound):
            revoke(file, name)


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": ""},
        {"name": "two words"},
        {"name": "-dash"},
        {"name": "x" * 65},
        {"scopes": ["infer", "everything"]},
        {"rate": "many"},
        {"tokens": "1M"},
        {"concurrency": -1},
        {"expires": "soon"},
    ],
)
def test_what_cannot_be_a_key_is_refused(wanted):
    with pytest.raises(InvalidInput):
        read_new_key(**{"name": "alice", "now": 0.0, **wanted})


def used(key_id, *, requests=1, prompt=10, completion=5, level=15.0):
    return Used(
        key_id=key_id,
        requests=requests,
        prompt_tokens=prompt,
        completion_tokens=completion,
        last_used_at=3000.0,
        token_level=level,
    )


def test_what_a_key_uses_is_added_up(file):
    make(file)
    key_id = file.read(list_keys)[0].key.id
    for _ in range(2):
        file.write(lambda connection: add_usage(connection, [used(key_id)]))
    (row,) = file.read(list_keys)
    assert (row.requests, row.prompt_tokens, row.completion_tokens) == (2, 20, 10)
    assert (row.last_used_at, row.token_level) == (3000.0, 15.0)


def test_usage_of_a_key_that_is_gone_is_dropped(file):
    file.write(lambda connection: add_usage(connection, [used(99)]))
    assert file.read(list_keys) == []


def test_a_record_shows_no_digest_and_null_for_no_limit(file):
    new = make(file)
    (row,) = file.read(list_keys)
    record = key_record(row)
    assert digest_of(new.secret) not in str(record)
    assert (record["rate"], record["expires_at"], record["scopes"]) == (None, None, ["infer", "read"])


def test_the_table_itself_refuses_a_second_key_of_a_digest(file):
    new = make(file)
    other = read_new_key("bob", 0.0)

    def insert(connection):
        with pytest.raises(sqlite3.IntegrityError):
            create_key(connection, type(new)(other.key, new.secret))

    file.write(insert)
