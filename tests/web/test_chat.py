"""The chat page in a real browser, with a model that really answers."""

from __future__ import annotations

import json
import re

import pytest

from tests.helpers.questions import GREEDY
from tests.helpers.server import wait_until
from tests.web.conftest import watched
from tests.web.steps import (
    ANSWER,
    ENDLESS,
    MODEL,
    QUESTION,
    SETTINGS,
    answers,
    chat_id,
    composer,
    keep,
    kept,
    message,
    open_chat,
    send,
    wait_for_answer,
)

pytestmark = pytest.mark.slow

# Less than it takes to give up waiting for an answer that another window seemed to write.
SOON_MS = 5000
GROWN = "length => document.querySelector('.message.assistant').innerText.length > length"


# Which of these elements something lies over, or the edge of something cuts.
HIDDEN = """items => items.filter((item) => {
    const { left, right, top, height } = item.getBoundingClientRect();
    return ![left + 8, right - 8].every((x) => item.contains(document.elementFromPoint(x, top + height / 2)));
}).map((item) => item.innerText)"""


def entry(page, title):
    return page.get_by_role("complementary", name="Chats").get_by_role("link", name=title)


def choose(page, title, action):
    """An action of the menu of a chat in the list."""
    entry(page, title).hover()
    page.get_by_role("button", name=f"Actions for {title}").click()
    page.get_by_role("menuitem", name=action).click()


def test_the_first_visit_leads_to_a_first_answer(page, server):
    page.goto(server.base_url)
    send(page, QUESTION)
    answer = wait_for_answer(page, ANSWER)
    assert "tokens/s" in answer.inner_text()
    entry(page, QUESTION).wait_for()
    assert page.get_by_role("meter", name="Context window used").get_attribute("aria-valuemax") == "2048"
    chat = kept(server, chat_id(page))
    assert [one["content"] for one in chat["messages"].values()] == [QUESTION, ANSWER]


def test_thinking_is_folded_with_its_duration(page, server):
    keep(server, "thinks", settings={"model": MODEL, "think": True, "options": {"temperature": 0}})
    open_chat(page, server, "thinks")
    send(page, QUESTION)
    answer = wait_for_answer(page, ANSWER)
    summary = answer.get_by_text("Thought for")
    thoughts = answer.locator(".thinking > div")
    assert not thoughts.is_visible()
    summary.click()
    assert "Peru" in thoughts.inner_text()


def test_an_answer_that_was_stopped_can_go_on(page, server):
    keep(server, "stops", settings=ENDLESS)
    open_chat(page, server, "stops")
    send(page, "Count.")
    page.get_by_role("button", name="Stop").wait_for()
    answers(page).get_by_text("1").first.wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("The answer was stopped here.").wait_for()
    wait_until(
        lambda: (
            [one["data"].get("state") for one in kept(server, "stops")["messages"].values()][-1] == "stopped"
        )
    )
    before = len(answers(page).last.inner_text())
    page.get_by_role("button", name="Continue").click()
    page.wait_for_function(GROWN, arg=before + 20)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("The answer was stopped here.").wait_for()


def test_answers_and_questions_have_versions(page, server):
    keep(server, "branches")
    open_chat(page, server, "branches")
    send(page, QUESTION)
    wait_for_answer(page, ANSWER)
    page.get_by_role("button", name="Answer again").click()
    page.get_by_text("2/2").wait_for()
    wait_for_answer(page, ANSWER)
    page.get_by_role("button", name="Edit").first.click()
    page.get_by_role("textbox", name="Edit").fill("What colour is a banana?")
    page.get_by_role("button", name="Send as a new version").click()
    wait_for_answer(page, "yellow")
    question = page.get_by_role("article", name="Your message")
    question.get_by_role("button", name="Version before").click()
    page.get_by_text(ANSWER).wait_for()
    assert question.get_by_text("1/2").is_visible()
    chat = kept(server, "branches")
    assert len(chat["messages"]) == 5
    wait_until(
        lambda: kept(server, "branches")["messages"][kept(server, "branches")["head"]]["content"] == ANSWER
    )


def test_a_reload_in_mid_answer_keeps_what_was_written(page, server):
    keep(server, "reloads", settings=ENDLESS)
    open_chat(page, server, "reloads")
    # From its second visit on the page has a service worker, which must not swallow what is sent last.
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    composer(page).wait_for()
    send(page, "Count.")
    answers(page).get_by_text("1, ").first.wait_for()
    page.reload()
    page.get_by_text("The answer was stopped here.").wait_for(timeout=SOON_MS)
    text = answers(page).last.inner_text()
    assert "1" in text
    page.get_by_role("button", name="Continue").click()
    page.wait_for_function(GROWN, arg=len(text) + 20)
    page.get_by_role("button", name="Stop").click()


def test_tools_are_called_and_their_results_answered(page, server):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    weather = {"name": "get_weather", "description": "Get the weather of a city", "parameters": parameters}
    keep(server, "tools", settings=SETTINGS | {"tools": [{"type": "function", "function": weather}]})
    open_chat(page, server, "tools")
    send(page, "What is the weather in Paris?")
    page.get_by_role("textbox", name="Result of get_weather").fill("Sunny, 21 degrees")
    assert "Paris" in answers(page).last.inner_text()
    page.get_by_role("button", name="Send the results").click()
    wait_for_answer(page, "unny", number=1)


def test_chats_are_found_renamed_moved_pinned_and_deleted(page, server):
    keep(server, "old", message("a", "", "user", "Where do axolotls live?"), title="Salamanders")
    keep(server, "other", message("a", "", "user", "Something else"), title="Other")
    open_chat(page, server, "old")
    search = page.get_by_role("searchbox", name="Search")
    search.fill("axolotl")
    entry(page, "Other").wait_for(state="hidden")
    entry(page, "Salamanders").get_by_text("Where do axolotls live?").wait_for()
    search.fill("")
    choose(page, "Salamanders", "Rename")
    page.get_by_role("textbox", name="Title").fill("Newts")
    page.get_by_role("button", name="Save").click()
    entry(page, "Newts").wait_for()
    page.get_by_role("heading", name="Newts").wait_for()
    choose(page, "Newts", "Move to a folder")
    page.get_by_role("textbox", name="Folder").fill("Animals")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Animals 1").wait_for()
    choose(page, "Newts", "Pin")
    wait_until(lambda: kept(server, "old")["pinned"])
    assert (kept(server, "old")["title"], kept(server, "old")["folder"]) == ("Newts", "Animals")
    choose(page, "Newts", "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    entry(page, "Newts").wait_for(state="hidden")
    assert server.request("GET", "/api/chats/old")[0] == 404


def test_the_menu_of_a_chat_is_not_cut_by_the_list(page, server):
    keep(server, "cut", message("a", "", "user", "Hello"), title="Narrow", pinned=True)
    open_chat(page, server)
    entry(page, "Narrow").hover()
    page.get_by_role("button", name="Actions for Narrow").click()
    items = page.get_by_role("menuitem")
    items.last.wait_for()
    assert items.evaluate_all(HIDDEN) == []


def test_a_chat_that_is_deleted_is_left_and_its_answer_ends(page, context, server):
    keep(server, "doomed", settings=ENDLESS, title="Doomed")
    other = watched(context.new_page(), server)
    for tab in (other, page):
        open_chat(tab, server, "doomed")
    send(page, "Count.")
    answers(page).get_by_text("1, ").first.wait_for()
    choose(page, "Doomed", "Delete")
    # Elsewhere somebody is quicker.
    server.request("DELETE", "/api/chats/doomed")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for tab in (page, other):
        tab.get_by_role("heading", name="New chat").wait_for()
        assert tab.get_by_role("alert").count() == 0
    busy = re.compile(rb"^corral_model_slots_in_use\S* [1-9]", re.MULTILINE)
    wait_until(lambda: busy.search(server.request("GET", "/metrics")[1]) is None)
    assert other.failures == []


def test_what_is_sent_twice_at_once_is_sent_once(page, server):
    open_chat(page, server)
    composer(page).fill(QUESTION)
    page.evaluate("for (let n = 0; n < 2; n += 1) document.querySelector('.composer').requestSubmit()")
    wait_for_answer(page, ANSWER)
    assert answers(page).count() == 1


def test_what_was_exported_is_imported(page, server, tmp_path):
    keep(server, "goes", message("a", "", "user", "Take me along"), title="Traveller")
    open_chat(page, server, "goes")
    for form, name in (("Export as JSON", "chat.json"), ("Export as Markdown", "chat.md")):
        with page.expect_download() as download:
            choose(page, "Traveller", form)
        download.value.save_as(tmp_path / name)
        server.request("DELETE", "/api/chats/goes")
        page.locator("aside input[type=file]").set_input_files(tmp_path / name)
        page.get_by_text("1 chat imported.").first.wait_for()
        assert [one["content"] for one in kept(server, "goes")["messages"].values()] == ["Take me along"]
        page.reload()


def test_two_tabs_see_each_other_and_lose_nothing(page, context, server):
    keep(server, "shared", message("a", "", "user", "Hello"), title="Shared")
    other = watched(context.new_page(), server)
    for tab in (page, other):
        open_chat(tab, server, "shared")
    send(page, QUESTION)
    wait_for_answer(page, ANSWER)
    other.get_by_text(ANSWER).wait_for()
    # A third party is quicker than the tab that sends next.
    server.request(
        "PATCH", "/api/chats/shared", {"revision": kept(server, "shared")["revision"], "title": "Theirs"}
    )
    send(other, "What colour is a banana?")
    wait_for_answer(other, "yellow")
    wait_until(
        lambda: (
            [one["content"] for one in kept(server, "shared")["messages"].values()][-1]
            == "A banana is yellow."
        )
    )
    assert len(kept(server, "shared")["messages"]) == 5
    assert kept(server, "shared")["title"] == "Theirs"
    assert other.failures == []


def test_files_are_attached_or_refused_with_a_reason(page, server):
    keep(server, "files")
    open_chat(page, server, "files")
    files = page.locator(".composer input[type=file]")
    files.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"bananas are blue"})
    files.set_input_files({"name": "big.txt", "mimeType": "text/plain", "buffer": b"x" * 2_500_000})
    page.get_by_text("big.txt has 2.5 MB; at most 2 MB can be sent.").wait_for()
    files.set_input_files({"name": "blob.bin", "mimeType": "", "buffer": b"\xfe\xff\x00\x80"})
    page.get_by_text("blob.bin is neither").wait_for()
    files.set_input_files({"name": "dot.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n0000"})
    page.get_by_text(f"{MODEL} cannot see images.").wait_for()
    composer(page).fill("What do my notes say?")
    assert page.get_by_role("button", name="Send").is_disabled()
    page.get_by_role("button", name="Remove dot.png").click()
    composer(page).press("Enter")
    answers(page).get_by_role("button", name="Answer again").wait_for()
    question = next(iter(kept(server, "files")["messages"].values()))
    assert question["data"]["files"][0]["text"] == "bananas are blue"


def test_settings_of_a_chat_are_kept_and_sent(page, server):
    keep(server, "set", settings={"model": MODEL})
    open_chat(page, server, "set")
    page.get_by_role("button", name="Settings of this chat").click()
    page.get_by_role("textbox", name="System prompt").fill("Be brief.")
    page.get_by_role("spinbutton", name="temperature").fill("0.5")
    page.get_by_label("Thinking").select_option(label="Off")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("textbox", name="Name").fill("Brief")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    with page.expect_request("**/api/chat") as asked:
        send(page, QUESTION)
    body = json.loads(asked.value.post_data)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["options"], body["think"]) == ({"temperature": 0.5}, False)
    wait_until(lambda: kept(server, "set")["settings"].get("system") == "Be brief.")
    assert page.get_by_label("Preset", exact=True).input_value() == "Brief"


def test_chats_can_stay_in_the_browser(page, server):
    page.goto(server.base_url)
    page.get_by_role("button", name="More for all chats").click()
    page.get_by_role("menuitemradio", name="Keep chats in this browser").click()
    send(page, QUESTION)
    wait_for_answer(page, ANSWER)
    id = chat_id(page)
    assert server.request("GET", f"/api/chats/{id}")[0] == 404
    page.reload()
    page.get_by_role("log").get_by_text(ANSWER).wait_for()
    page.get_by_role("searchbox").fill("lima")
    entry(page, QUESTION).wait_for()


def test_an_error_is_shown_in_its_place_and_can_be_tried_again(page, server):
    keep(server, "fails", settings=SETTINGS | {"model": "gone"})
    open_chat(page, server, "fails")
    page.get_by_text("gone is not on this server any more").wait_for()
    send(page, QUESTION)
    page.get_by_role("alert").get_by_text("model 'gone' not found").wait_for()
    page.get_by_role("combobox", name="Model").select_option(MODEL)
    page.get_by_role("button", name="Try again").click()
    wait_for_answer(page, ANSWER)


def test_what_did_not_fit_is_said(page, server):
    long = [message("m0", "", "user", "Tell me about bananas. " * 60)]
    for number in range(1, 6):
        role = ("user", "assistant")[number % 2]
        long.append(message(f"m{number}", f"m{number - 1}", role, "Bananas are yellow. " * 60))
    keep(server, "full", *long, settings=SETTINGS | {"options": GREEDY | {"num_ctx": 512}})
    open_chat(page, server, "full")
    send(page, QUESTION)
    page.get_by_text("oldest messages were left out").wait_for()
    assert page.get_by_role("meter", name="Context window used").get_attribute("aria-valuemax") == "512"


def test_files_are_pasted_and_dropped(page, server):
    open_chat(page, server)
    for kind, holder in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        composer(page).evaluate(
            """(area, [kind, holder]) => {
                const files = new DataTransfer();
                files.items.add(new File([kind], `${kind}.txt`, { type: 'text/plain' }));
                const make = kind === 'paste' ? ClipboardEvent : DragEvent;
                area.dispatchEvent(new make(kind, { bubbles: true, cancelable: true, [holder]: files }));
            }""",
            [kind, holder],
        )
        page.get_by_role("button", name=f"Remove {kind}.txt").wait_for()


def test_an_answer_goes_on_while_another_chat_is_looked_at(page, server):
    keep(server, "goes-on", settings=ENDLESS, title="Goes on")
    keep(server, "beside", message("a", "", "user", "Hello"), title="Beside")
    open_chat(page, server, "goes-on")
    send(page, "Count.")
    answers(page).get_by_text("1, ").first.wait_for()
    entry(page, "Beside").click()
    page.get_by_role("log").get_by_text("Hello").wait_for()
    entry(page, "Goes on").click()
    before = len(answers(page).last.inner_text())
    page.wait_for_function(GROWN, arg=before + 20)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("The answer was stopped here.").wait_for()


def test_code_is_copied_as_it_is(page, context, server):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = "if a < b && c:\n    print('<b>')\n"
    keep(
        server,
        "copies",
        message("q", "", "user", "x"),
        message("a", "q", "assistant", f"```python\n{code}```"),
    )
    open_chat(page, server, "copies")
    page.locator(".code-block span.hljs-keyword").first.wait_for()
    page.locator(".code-bar").get_by_role("button", name="Copy").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").rstrip("\n") == code.rstrip("\n")
