import sqlite3
import stat
import threading

import pytest

from corral.database import DatabaseFile, database_path
from corral.errors import StorageError

STEPS = ("CREATE TABLE names (name TEXT UNIQUE) STRICT;",)


@pytest.fixture
def open_file(tmp_path):
    """Opens the same file as often as a test needs it, each time like another process."""
    opened = []

    def open_file(steps=STEPS):
        opened.append(DatabaseFile(tmp_path / "home" / "test.db", steps))
        return opened[-1]

    yield open_file
    for file in opened:
        file.close()


def add(name):
    return lambda connection: connection.execute("INSERT INTO names VALUES (?)", (name,))


def names(connection):
    return [row["name"] for row in connection.execute("SELECT name FROM names ORDER BY name")]


def add_and_fail(connection):
    add("lost")(connection)
    raise ZeroDivisionError


def test_what_was_written_is_there_when_the_file_is_opened_again(open_file):
    open_file().write(add("a"))
    assert open_file().read(names) == ["a"]


def test_a_file_is_made_by_its_first_use_and_not_before(open_file):
    file = open_file()
    assert not file.exists()
    file.read(names)
    assert file.exists()


def test_only_the_owner_may_read_the_file(open_file):
    file = open_file()
    file.write(add("a"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.path.parent.iterdir()}
    assert modes == {"test.db": 0o600, "test.db-shm": 0o600, "test.db-wal": 0o600}


def test_work_that_fails_leaves_nothing(open_file):
    file = open_file()
    with pytest.raises(ZeroDivisionError):
        file.write(add_and_fail)
    assert file.read(names) == []


def test_an_older_file_gets_the_steps_it_has_not_seen(open_file):
    open_file().write(add("a"))
    newer = open_file((*STEPS, "ALTER TABLE names ADD COLUMN age INTEGER; UPDATE names SET age = 1;"))
    rows = newer.read(lambda connection: [tuple(row) for row in connection.execute("SELECT * FROM names")])
    assert rows == [("a", 1)]


def test_a_step_that_fails_is_taken_back_as_a_whole(open_file):
    open_file().write(add("a"))
    with pytest.raises(StorageError):
        open_file((*STEPS, "ALTER TABLE names ADD COLUMN age INTEGER; SELECT nonsense;")).read(names)
    assert open_file().read(names) == ["a"]


def test_a_file_of_a_newer_version_is_left_alone(open_file):
    open_file((*STEPS, "CREATE TABLE more (x TEXT);")).write(add("a"))
    with pytest.raises(StorageError, match="newer version of Corral"):
        open_file().read(names)


def test_a_file_that_is_no_database_is_refused_with_what_to_do(open_file):
    file = open_file()
    file.path.parent.mkdir()
    file.path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(StorageError) as caught:
        file.read(names)
    assert str(file.path) in caught.value.message
    assert "move it away" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match=r"corral\.db"):
        DatabaseFile(database_path(tmp_path / "home")).read(lambda connection: None)


def test_the_version_tells_of_the_writes_of_others(open_file):
    mine, other = open_file(), open_file()
    before = mine.version()
    mine.write(add("mine"))
    assert mine.version() == before
    other.write(add("other"))
    assert mine.version() != before


def test_writers_in_several_threads_wait_for_each_other(open_file):
    open_file().write(add("first"))

    def write(number):
        file = DatabaseFile(path, STEPS)
        for count in range(20):
            file.write(add(f"{number}-{count}"))
        file.close()

    path = open_file().path
    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(open_file().read(names)) == 81


def test_the_tables_of_every_step_can_be_made(tmp_path):
    file = DatabaseFile(tmp_path / "test.db")
    tables = file.read(
        lambda connection: {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    )
    file.close()
    assert {"keys", "key_usage"} <= tables


def test_rows_are_read_by_the_names_of_their_columns(open_file):
    row = open_file().read(lambda connection: connection.execute("SELECT 1 AS one").fetchone())
    assert isinstance(row, sqlite3.Row)
    assert row["one"] == 1
