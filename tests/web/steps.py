"""What the tests of the chat do again and again."""

from __future__ import annotations

import json

from tests.helpers.questions import GREEDY

MODEL = "pocket:latest"
QUESTION = "What is the capital city of Peru?"
ANSWER = "The capital of Peru is Lima."
# An answer that does not end by itself: its form demands a long list.
LONG_FORM = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 4000}
SETTINGS = {"model": MODEL, "think": False, "options": GREEDY}
ENDLESS = {
    "model": MODEL,
    "think": False,
    "format": LONG_FORM,
    "options": {"temperature": 0, "num_predict": -1},
}


def message(id, parent, role, content, **data):
    return {"id": id, "parent": parent, "role": role, "content": content, "data": data}


def keep(server, id, *messages, **fields):
    """A chat on the server, whose branch ends with the last of `messages`."""
    head = messages[-1]["id"] if messages else ""
    body = {"id": id, "settings": SETTINGS, "messages": messages, "head": head} | fields
    status, answer = server.request("POST", "/api/chats", body)
    assert status == 201, answer
    return json.loads(answer)


def kept(server, id):
    """A chat as the server has it; its messages by their ids."""
    chat = json.loads(server.request("GET", f"/api/chats/{id}")[1])
    return chat | {"messages": {one["id"]: one for one in chat["messages"]}}


def open_chat(page, server, id=""):
    page.goto(f"{server.base_url}/#/chat/{id}")
    composer(page).wait_for()


def composer(page):
    return page.get_by_role("textbox", name="Write a message")


def send(page, text):
    composer(page).fill(text)
    composer(page).press("Enter")


def answers(page):
    return page.get_by_role("article", name="Answer")


def wait_for_answer(page, text, number=-1):
    """The answer of that number, once it is complete."""
    answer = answers(page).nth(number) if number >= 0 else answers(page).last
    answer.get_by_text(text).wait_for()
    answer.get_by_role("button", name="Answer again").wait_for()
    return answer


def chat_id(page):
    return page.evaluate("location.hash.split('/')[2].split('?')[0]")
