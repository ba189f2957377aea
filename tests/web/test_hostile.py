"""Texts that would like to run: in answers, in names of models, chats and files. None does."""

from __future__ import annotations

import pytest

from tests.web.steps import SETTINGS, composer, keep, message, open_chat

pytestmark = pytest.mark.slow

VECTORS = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "<svg onload='window.ran = 1'><animate onbegin='window.ran = 1'/></svg>",
    "<iframe srcdoc='<script>parent.ran = 1</script>'></iframe>",
    "[click](javascript:window.ran=1)",
    "<a href='java&#10;script:window.ran=1'>click</a>",
    "![x](javascript:window.ran=1)",
    "![track](http://evil.invalid/pixel.png)",
    "<img src='http://evil.invalid/pixel.png'>",
    "<style>body { display: none }</style>",
    "<div style='position:fixed;inset:0' class='toast' id='app'>over all</div>",
    "<form action='http://evil.invalid'><button>send</button></form>",
    "<math><mtext><table><mglyph><style><img src=x onerror='window.ran = 1'></style></mglyph></table>",
    "<object data='http://evil.invalid'></object><embed src='http://evil.invalid'>",
    "$\\href{javascript:window.ran=1}{x}$ and $\\includegraphics{http://evil.invalid/a.png}$",
    "```<img/src=x/onerror=window.ran=1>\n</code><img src=x onerror='window.ran = 1'>\n```",
    "<details ontoggle='window.ran = 1' open><summary>x</summary></details>",
    "<input autofocus onfocus='window.ran = 1'>",
    "<base href='http://evil.invalid/'><meta http-equiv='refresh' content='0;url=http://evil.invalid'>",
)
NAME = "<img src=x onerror='window.ran = 1'>"


def ran(page):
    return page.evaluate("window.ran")


def test_nothing_in_an_answer_runs_or_reaches_out(page, server):
    texts = [message("q", "", "user", "\n\n".join(VECTORS))]
    for number, text in enumerate(VECTORS):
        parent = texts[-1]["id"]
        texts.append(
            message(f"a{number}", parent, "assistant", f"{text}\n\nafter", thinking=text, model=NAME)
        )
    keep(server, "hostile", *texts, title=NAME, folder=NAME)
    open_chat(page, server, "hostile")
    log = page.get_by_role("log")
    log.locator("article").last.get_by_text("after").wait_for()
    for article in log.locator("article").all():
        article.scroll_into_view_if_needed()
    for link in log.get_by_role("link", name="click").all():
        assert not (link.get_attribute("href") or "").lower().startswith("java")
    found = log.locator(
        "script, iframe, object, embed, style, form:not(.calls), [onerror], [onload], .toast, #app"
    )
    assert (found.count(), log.locator(".md svg:not(.icon), .md [style*=fixed]").count()) == (0, 0)
    assert ran(page) is None


def test_nothing_runs_while_an_answer_is_written(page, server):
    open_chat(page, server)
    page.evaluate(
        """async (texts) => {
            const root = document.querySelector('script[type=module]').src.replace('app.js', '');
            const { Growing } = await import(`${root}lib/markdown.js`);
            const box = document.body.appendChild(document.createElement('div'));
            const growing = new Growing(box);
            const text = texts.join('\\n\\n');
            for (let end = 0; end <= text.length; end += 7) growing.show(text.slice(0, end));
            growing.show(text);
        }""",
        list(VECTORS),
    )
    page.wait_for_timeout(200)
    assert ran(page) is None


def test_names_of_files_and_models_are_only_text(page, server):
    keep(server, "names", settings=SETTINGS | {"model": NAME})
    open_chat(page, server, "names")
    file = {"name": f"{NAME}.txt", "mimeType": "text/plain", "buffer": b"x"}
    page.locator(".composer input[type=file]").set_input_files(file)
    page.get_by_text(f"{NAME}.txt").wait_for()
    composer(page).fill("x")
    composer(page).press("Enter")
    page.get_by_role("alert").wait_for()
    assert ran(page) is None


def test_the_policy_of_the_page_refuses_inline_scripts(page, server):
    page.goto(server.base_url)
    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = 1';
            document.body.append(script);
            const image = document.createElement('img');
            image.setAttribute('onerror', 'window.ran = 1');
            image.src = 'data:image/png;base64,x';
            document.body.append(image);
        }"""
    )
    page.wait_for_timeout(200)
    assert ran(page) is None
