from __future__ import annotations

from corral.cli.chat.history import History


def test_entries_come_back_as_they_were(tmp_path):
    path = tmp_path / "deep" / "history"
    history = History(path)
    entries = ["hello", "two\nlines", "a \\n in it", "back\\slash\nand line"]
    for entry in entries:
        history.add(entry)
    assert History(path).entries == entries
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["history"]


def test_blank_entries_and_repeats_are_passed_over(tmp_path):
    history = History(tmp_path / "history")
    for entry in ("a", "a", "  ", "b", "a"):
        history.add(entry)
    assert history.entries == ["a", "b", "a"]


def test_the_last_hundred_are_kept(tmp_path):
    history = History(tmp_path / "history")
    for number in range(103):
        history.add(str(number))
    assert History(tmp_path / "history").entries == [str(number) for number in range(3, 103)]


def test_nothing_is_written_when_saving_is_off(tmp_path):
    history = History(tmp_path / "history", saving=False)
    history.add("secret")
    assert (history.entries, list(tmp_path.iterdir())) == (["secret"], [])


def test_a_folder_that_cannot_be_written_does_not_end_the_chat(tmp_path):
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "history")
    history.add("hello")
    assert (history.entries, history.saving) == (["hello"], False)
