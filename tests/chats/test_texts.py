"""Chats as files, out and in again."""

import msgspec
import pytest

from corral.chats import Chat, Message, markdown, read_chats
from corral.errors import InvalidInput

MESSAGES = [
    Message(id="a", role="user", content="What is\n\n## You\n\n`2 + 2`?"),
    Message(id="b", parent="a", role="assistant", content="5", data={"model": "pocket"}),
    Message(
        id="c", parent="a", role="assistant", content="4\n", data={"model": "pocket", "thinking": "hm\n\nhm"}
    ),
    Message(id="d", parent="c", role="user", content="<!-- id1 user -->\nThanks -->"),
]


def chat(**fields):
    raw = [msgspec.Raw(msgspec.json.encode(message)) for message in MESSAGES]
    known = {
        "id": "id1",
        "title": "Sums --> and more",
        "folder": "Work",
        "pinned": False,
        "settings": msgspec.Raw(b'{"system":"be -- brief"}'),
        "head": "c",
        "revision": 3,
        "created_at": 1.0,
        "updated_at": 2.0,
    }
    return Chat(**(known | fields), messages=raw)


def test_markdown_holds_the_branch_that_is_shown():
    text = markdown(chat())
    assert "# Sums --> and more\n" in text
    assert "## pocket\n\n4\n" in text
    assert "\n5\n" not in text


def test_markdown_comes_back_as_it_was():
    (change,) = read_chats(markdown(chat()).encode())
    assert (change.id, change.title, change.folder) == ("id1", "Sums --> and more", "Work")
    assert change.settings == {"system": "be -- brief"}
    assert [(one.role, one.content) for one in change.messages] == [
        ("user", MESSAGES[0].content),
        ("assistant", MESSAGES[2].content),
    ]
    assert change.messages[1].data == {"thinking": "hm\n\nhm"}
    assert (change.messages[1].parent, change.head) == (change.messages[0].id, change.messages[1].id)


def test_several_chats_stand_in_one_file():
    both = markdown(chat()) + markdown(chat(id="id2", title="Other"))
    assert [change.title for change in read_chats(both.encode())] == ["Sums --> and more", "Other"]


def test_json_comes_back_as_it_was():
    data = b'{"corral_chats":1,"chats":[' + msgspec.json.encode(chat()) + b"]}"
    (change,) = read_chats(data)
    assert [message.content for message in change.messages] == [message.content for message in MESSAGES]
    assert (change.head, change.settings) == ("c", {"system": "be -- brief"})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"{}",
        b'{"corral_chats":2,"chats":[]}',
        b'{"corral_chats":1,"chats":[{"title":3}]}',
        b"\xff\xfe",
    ],
)
def test_other_files_are_refused(data):
    with pytest.raises(InvalidInput):
        read_chats(data)
