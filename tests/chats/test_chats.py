"""Chats on the server: kept, listed, searched and changed, each shelf for itself."""

import base64
import sqlite3
from contextlib import closing

import msgspec
import pytest

from corral.chats import Change, Chats, Message
from corral.chats import limits as kept
from corral.database import Database, database_path
from corral.errors import Conflict, InvalidInput, KeyRejected, NotFound

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def shelf(tmp_path):
    """The chats, and who asks: set `shelf.owner` to the number of another key."""
    shelf = Shelf(tmp_path)
    yield shelf
    await shelf.database.close()


class Shelf:
    def __init__(self, folder):
        self.path = database_path(folder)
        self.database = Database(self.path)
        self.owner = None
        self.chats = Chats(self.database, lambda: self.owner, shared=True)

    async def keep(self, *texts, **fields):
        """A chat of these texts, question and answer in turns."""
        return await self.chats.create(Change(messages=talk(*texts), **fields))

    async def titles(self, **asked):
        return [chat.title for chat in (await self.chats.list(**asked)).chats]

    async def found(self, words):
        return [chat.title for chat in (await self.chats.search(words)).chats]

    async def messages(self, id):
        chat = await self.chats.find(id)
        return [msgspec.json.decode(raw)["content"] for raw in chat.messages]

    def add_key(self, id):
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(
                "INSERT INTO keys (id, name, digest, hint, scopes, rate, tokens, concurrency, created_at) "
                "VALUES (?, ?, ?, '', '', '', '', 0, 0)",
                (id, f"k{id}", f"d{id}"),
            )

    def count(self, table):
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]


def talk(*texts):
    return [
        Message(
            id=f"m{number}",
            parent=f"m{number - 1}" if number else "",
            role=("user", "assistant")[number % 2],
            content=text,
        )
        for number, text in enumerate(texts)
    ]


async def test_a_chat_is_kept_with_its_messages_in_order(shelf):
    kept = await shelf.keep("Hello", "Good day!", title="Greeting", head="m1", settings={"model": "pocket"})
    chat = await shelf.chats.find(kept.id)
    assert (chat.title, chat.head, bytes(chat.settings)) == ("Greeting", "m1", b'{"model":"pocket"}')
    assert await shelf.messages(kept.id) == ["Hello", "Good day!"]


async def test_a_change_touches_only_what_it_names(shelf):
    chat = await shelf.keep("a", "b", title="One", folder="Work")
    changed = await shelf.chats.change(chat.id, Change(revision=chat.revision, pinned=True))
    assert (changed.title, changed.folder, changed.pinned) == ("One", "Work", True)
    assert (changed.updated_at, changed.revision) == (chat.updated_at, chat.revision + 1)
    assert await shelf.messages(chat.id) == ["a", "b"]


async def test_a_message_is_replaced_where_its_id_is_known(shelf):
    chat = await shelf.keep("a", "b")
    new = [Message(id="m1", parent="m0", role="assistant", content="c", data={"model": "pocket"})]
    await shelf.chats.change(chat.id, Change(revision=chat.revision, messages=new))
    assert await shelf.messages(chat.id) == ["a", "c"]


async def test_a_change_of_what_was_changed_elsewhere_is_refused_and_leaves_all_as_it_was(shelf):
    chat = await shelf.keep("a", title="One")
    await shelf.chats.change(chat.id, Change(revision=chat.revision, title="Two"))
    with pytest.raises(Conflict):
        await shelf.chats.change(chat.id, Change(revision=chat.revision, title="Three", messages=talk("b")))
    assert await shelf.titles() == ["Two"]
    assert await shelf.messages(chat.id) == ["a"]


async def test_an_id_is_taken_once(shelf):
    await shelf.keep("a", id="one", title="One")
    with pytest.raises(Conflict):
        await shelf.keep("b", id="one", title="Two")
    assert await shelf.titles() == ["One"]


async def test_what_answered_a_removed_message_answers_the_one_before(shelf):
    chat = await shelf.keep("a", "b", "c")
    await shelf.chats.change(chat.id, Change(revision=chat.revision, remove=["m1"]))
    messages = map(msgspec.json.decode, (await shelf.chats.find(chat.id)).messages)
    parents = {message["id"]: message["parent"] for message in messages}
    assert parents == {"m0": "", "m2": "m0"}


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [Message(id="x", parent="nobody", role="user")]},
        {"messages": [Message(id="x", parent="y", role="user"), Message(id="y", parent="x", role="user")]},
        {"messages": [Message(id="x", parent="x", role="user")]},
        {"messages": [Message(id="a b", role="user")]},
        {"messages": [Message(id="x", role="cook")]},
        {"title": "two\nlines"},
        {"title": "x" * 201},
        {"folder": "x" * 81},
        {"settings": {"system": "x" * 300_000}},
    ],
)
async def test_what_cannot_be_kept_is_refused_whole(shelf, change):
    chat = await shelf.keep("a", title="One")
    with pytest.raises(InvalidInput):
        await shelf.chats.change(chat.id, Change(revision=chat.revision, **change))
    assert (await shelf.chats.find(chat.id)).revision == chat.revision


@pytest.mark.parametrize(("name", "limit"), [("MAX_MESSAGE", 10), ("MAX_CHAT", 20), ("MAX_MESSAGES", 1)])
async def test_sizes_are_bounded(shelf, monkeypatch, name, limit):
    monkeypatch.setattr(kept, name, limit)
    with pytest.raises(InvalidInput, match=r"at most"):
        await shelf.keep("a" * 11, "b" * 11)
    assert await shelf.titles() == []


async def test_pinned_chats_come_first_then_the_latest(shelf):
    for title in ("a", "b", "c"):
        await shelf.keep("x", title=title, pinned=title == "a")
    assert await shelf.titles() == ["a", "c", "b"]


async def test_pages_of_a_list_hold_every_chat_once(shelf):
    for number in range(7):
        await shelf.keep("x", title=str(number), pinned=number == 3)
    seen, cursor = [], ""
    while True:
        page = await shelf.chats.list(limit=2, cursor=cursor)
        seen += [chat.title for chat in page.chats]
        cursor = page.cursor
        if not cursor:
            break
    assert seen == ["3", "6", "5", "4", "2", "1", "0"]


def cursor_of(place):
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


async def test_a_cursor_that_nobody_gave_is_refused(shelf):
    for cursor in ("x", "W10", "ä", cursor_of([10**18 * 10, 1.0, 1]), cursor_of([0, 1.0, -1])):
        with pytest.raises(InvalidInput):
            await shelf.chats.list(cursor=cursor)


async def test_folders_are_counted_and_listed_by_themselves(shelf):
    for title, folder in (("a", "Work"), ("b", ""), ("c", "Work")):
        await shelf.keep("x", title=title, folder=folder)
    page = await shelf.chats.list()
    assert [(folder.name, folder.chats) for folder in page.folders] == [("Work", 2)]
    assert await shelf.titles(folder="Work") == ["c", "a"]


async def test_each_key_sees_its_own_chats_only(shelf):
    mine = await shelf.keep("a secret", title="Mine")
    for number in (1, 2):
        shelf.add_key(number)
    shelf.owner = 1
    await shelf.keep("another secret", title="Theirs")
    assert (await shelf.titles(), await shelf.found("secret")) == (["Theirs"], ["Theirs"])
    for attempt in (
        shelf.chats.find(mine.id),
        shelf.chats.delete(mine.id),
        shelf.chats.change(mine.id, Change(revision=mine.revision, title="Stolen")),
    ):
        with pytest.raises(NotFound):
            await attempt
    shelf.owner = 2
    assert (await shelf.titles(), [chat async for chat in shelf.chats.every()]) == ([], [])


async def test_without_a_key_nobody_shares_a_shelf_with_strangers(shelf):
    chats = Chats(shelf.database, lambda: None, shared=False)
    for ask in (chats.list, chats.every):
        with pytest.raises(KeyRejected, match="for each API key"):
            await ask()


async def test_a_deleted_chat_leaves_nothing_to_find(shelf):
    chat = await shelf.keep("a rare word", title="One")
    await shelf.chats.delete(chat.id)
    assert (await shelf.titles(), await shelf.found("rare"), await shelf.found("ra")) == ([], [], [])
    assert shelf.count("chat_messages") == 0


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("banana", ["Fruit"]),
        ("BANANA yellow", ["Fruit"]),
        ("anan", ["Fruit"]),
        ("banana lima", []),
        ("fruit", ["Fruit"]),
        ("首都", ["Peru"]),
        ("利马", ["Peru"]),
        ("秘鲁的首都", ["Peru"]),
        ("马", ["Peru"]),
        ("是 首都", ["Peru"]),
        ('"', ["Peru"]),
        ("100%", ["Peru"]),
        ("OR NOT (", []),
        ("nothing", []),
        (" ", []),
        ("bana\0na", ["Fruit"]),
    ],
)
async def test_a_search_finds_words_and_parts_of_them_in_any_language(shelf, words, found):
    await shelf.keep("What colour is a Banana?", "A banana is yellow.", title="Fruit")
    await shelf.keep('"秘鲁的首都是哪里？" 100% 利马', title="Peru")
    assert await shelf.found(words) == found


async def test_common_short_words_are_found_too(shelf, monkeypatch):
    monkeypatch.setattr("corral.chats.search._COMMON", 0)
    await shelf.keep("秘鲁的首都是利马", title="Peru")
    await shelf.keep("no such", title="None")
    assert await shelf.found("利马") == ["Peru"]


async def test_what_is_found_says_where(shelf):
    await shelf.keep("x", f"{'long ' * 50}needle{' and more' * 50}", title="Haystack")
    (chat,) = (await shelf.chats.search("needle")).chats
    assert chat.match["message"] == "m1"
    assert "needle" in chat.match["text"]
    assert chat.match["text"].startswith("…")


async def test_a_changed_text_is_found_by_its_new_words_alone(shelf):
    chat = await shelf.keep("before", title="One")
    change = Change(revision=chat.revision, messages=[Message(id="m0", role="user", content="after")])
    await shelf.chats.change(chat.id, change)
    assert (await shelf.found("before"), await shelf.found("after")) == ([], ["One"])
