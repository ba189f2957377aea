"""`run`: answer one prompt, or chat. Source: cli.md sections 19 and 20."""

from __future__ import annotations

import base64
import json
import sys

from corral.cli.answer import Answer, Style
from corral.cli.attachments import take_attachments
from corral.cli.client import Client
from corral.cli.errors import CommandError, NotSignedIn
from corral.cli.invocation import Invocation
from corral.cli.model import find_or_pull
from corral.cli.output import print_json
from corral.cli.request import RunRequest
from corral.cli.run_options import format_value, keep_alive_value, think_value
from corral.cli.terminal import input_is_terminal, is_terminal


def run(call: Invocation) -> None:
    think = think_value(call.text("think") if "think" in call.flags else None)
    keep_alive = keep_alive_value(call.text("keepalive"))
    answer_format = format_value(call.text("format"))
    prompt = _read_prompt(call.args[1:])
    client = call.client()
    try:
        model = find_or_pull(client, call.args[0], insecure=call.is_set("insecure"))
    except NotSignedIn as error:
        if not error.signin_url:
            raise
        print("You need to be signed in to run this model.\n")
        print(f"If your browser did not open, navigate to:\n    {error.signin_url}\n")
        return
    if think is None and model.thinks:
        think = True
    request = RunRequest(model, think, keep_alive, answer_format, _style(call))
    _run_model(call, client, request, prompt)


def _run_model(call: Invocation, client: Client, request: RunRequest, prompt: str) -> None:
    if "image" in request.model.capabilities:
        raise CommandError("image generation models are not currently supported")
    if "embedding" in request.model.capabilities:
        _embed(call, client, request, prompt)
    elif call.is_set("json"):
        _answer_in_json(client, request, prompt)
    elif prompt or not (input_is_terminal() and is_terminal(sys.stdout)):
        _answer_once(client, request, prompt)
    else:
        from corral.cli.chat import chat  # brings the line editor, which takes longer than everything else

        chat(client, request, call.settings)


def _style(call: Invocation) -> Style:
    return Style(
        wrap=not call.is_set("nowordwrap"),
        markdown=not call.is_set("raw"),
        thinking="hide" if call.is_set("hidethinking") else "show",
        verbose=call.is_set("verbose"),
    )


def _read_prompt(words: tuple[str, ...]) -> str:
    """What was piped in, then the words of the command line."""
    parts = (
        []
        if input_is_terminal() or sys.stdin is None
        else [sys.stdin.buffer.read().decode("utf-8", "replace")]
    )
    return " ".join(part for part in (*parts, *words) if part)


def _embed(call: Invocation, client: Client, request: RunRequest, prompt: str) -> None:
    if not prompt:
        name = request.model.name
        raise CommandError(
            f'embedding models require input text. Usage: {call.program} run {name} "your text here"'
        )
    body: dict[str, object] = {"model": request.model.name, "input": prompt}
    if request.keep_alive is not None:
        body["keep_alive"] = request.keep_alive
    if "truncate" in call.flags:
        body["truncate"] = call.is_set("truncate")
    if call.number("dimensions") > 0:
        body["dimensions"] = call.number("dimensions")
    embeddings = client.call("POST", "/api/embed", body).get("embeddings")
    if not embeddings:
        raise CommandError("no embeddings returned")
    print(json.dumps(embeddings[0], separators=(",", ":")))


def _answer_in_json(client: Client, request: RunRequest, prompt: str) -> None:
    if not prompt:
        raise CommandError("--json needs a prompt")
    images: list[bytes] = []
    if request.model.multimodal:
        prompt, images = take_attachments(prompt)
    print_json(client.call("POST", "/api/chat", {**_chat_body(request, prompt, images), "stream": False}))


def _answer_once(client: Client, request: RunRequest, prompt: str) -> None:
    images: list[bytes] = []
    if request.model.multimodal:
        prompt, images = take_attachments(prompt)
    answer = Answer(request.style)
    try:
        answer.show(client.stream(*_one_shot(request, prompt, images)), client)
    except KeyboardInterrupt:  # stopping an answer is no failure
        print()
        return
    if prompt:
        print("\n")
    answer.show_stats()


def _one_shot(request: RunRequest, prompt: str, images: list[bytes]) -> tuple[str, dict[str, object]]:
    """Path and body of the request.

    /api/generate passes the thinking of models with a chat template of their own on as part of the text, as
    scripts that read our output know it. /api/chat sets it apart, so that a person can see which is which,
    and that it can be hidden.
    """
    hides = request.style.thinking == "hide"
    if prompt and request.model.thinks and (hides or is_terminal(sys.stdout)):
        return "/api/chat", _chat_body(request, prompt, images)
    return "/api/generate", {**request.fields(), "prompt": prompt, **_with_images(images)}


def _chat_body(request: RunRequest, prompt: str, images: list[bytes]) -> dict[str, object]:
    message = {"role": "user", "content": prompt, **_with_images(images)}
    return {**request.fields(), "messages": [message]}


def _with_images(images: list[bytes]) -> dict[str, object]:
    return {"images": [base64.b64encode(data).decode() for data in images]} if images else {}
