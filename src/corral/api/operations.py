"""The routes of the native API in words."""

from __future__ import annotations

from typing import Any

from corral.api.keys import KeyIn
from corral.api.replies import NDJSON
from corral.api.shapes import (
    ChatIn,
    CopyIn,
    CreateIn,
    DeleteIn,
    DetokenizeIn,
    EmbeddingsIn,
    EmbedIn,
    GenerateIn,
    ModelfileIn,
    PlanIn,
    RerankIn,
    ShowIn,
    TokenizeIn,
    TransferIn,
    VerifyIn,
)
from corral.api.tune import TUNE_OPERATIONS
from corral.chats import Change
from corral.wire import Operation

_TEXT = "text/plain"
_BYTES = "application/octet-stream"
_ANY_OBJECT = {"type": "object"}
_QUESTION = {"role": "user", "content": "What is the capital city of Peru?"}
_KEPT = {"id": "m1"} | _QUESTION


def _get(path: str, summary: str, **more: Any) -> Operation:
    return Operation(method="GET", path=path, summary=summary, **more)


def _head(path: str, summary: str) -> Operation:
    return Operation(method="HEAD", path=path, summary=summary, answer="")


def _post(path: str, summary: str, body: Any, *required: str, **more: Any) -> Operation:
    return Operation(method="POST", path=path, summary=summary, body=body, required=required, **more)


OPERATIONS = (
    _get("/", "A page for a browser, a word of life for others", answer=_TEXT),
    _head("/", "Whether the server runs"),
    _get("/api/version", "The version of the server"),
    _head("/api/version", "Whether the server runs"),
    _get("/api/status", "Whether there are models in a cloud: there are none"),
    _get("/api/tags", "The models in the store"),
    _head("/api/tags", "Whether the server runs"),
    _post("/api/show", "All about one model", ShowIn, "model", example={"model": "pocket"}),
    _get("/api/ps", "The models that are loaded; `?verbose=1` tells why"),
    _post(
        "/api/plan",
        "What loading a model would take, without loading it",
        PlanIn,
        "model",
        example={"model": "pocket", "options": {"num_ctx": 2048}},
    ),
    _post(
        "/api/generate",
        "Continue a prompt; without one, load or unload the model",
        GenerateIn,
        "model",
        example={"model": "pocket", "prompt": "Hello!"},
        stream=NDJSON,
    ),
    _post(
        "/api/chat",
        "Answer a conversation",
        ChatIn,
        "model",
        example={"model": "pocket", "messages": [_QUESTION]},
        stream=NDJSON,
    ),
    _post("/api/embed", "One vector for each text", EmbedIn, "model", "input"),
    _post("/api/embeddings", "The vector of one prompt (the older form)", EmbeddingsIn, "model", "prompt"),
    _post("/api/rerank", "Documents by how well they answer", RerankIn, "model", "query", "documents"),
    _post("/api/tokenize", "The tokens of a text", TokenizeIn, "model", "text"),
    _post("/api/detokenize", "The text of tokens", DetokenizeIn, "model", "tokens"),
    _post("/api/pull", "Fetch a model from its registry", TransferIn, "model", stream=NDJSON),
    _get("/api/pulls", "The pulls that run, and those that ended lately; `?follow=1` streams", stream=NDJSON),
    _post("/api/pulls", "Fetch a model in the background", TransferIn, "model"),
    Operation(
        method="DELETE",
        path="/api/pulls",
        summary="Stop a pull, or forget one that is over",
        body=DeleteIn,
        required=("model",),
        answer="",
    ),
    _post("/api/push", "Publish a model", TransferIn, "model", stream=NDJSON),
    _post(
        "/api/modelfile",
        "What a Modelfile would make, and what is wrong in which line of it",
        ModelfileIn,
        "modelfile",
        example={"modelfile": "FROM pocket\nPARAMETER temperature 0.2\n"},
    ),
    _post("/api/create", "Make a model of another, or of files", CreateIn, "model", stream=NDJSON),
    _post("/api/copy", "Give a model a second name", CopyIn, "source", "destination", answer=""),
    Operation(
        method="DELETE",
        path="/api/delete",
        summary="Remove a model",
        body=DeleteIn,
        required=("model",),
        answer="",
    ),
    _get("/api/outdated", "Which models are newer in their registry; `?model=NAME` for some"),
    _get("/api/du", "What models take on the disk"),
    _post("/api/verify", "Hash the files of models again", VerifyIn, stream=NDJSON),
    _post("/api/prune", "Remove old files that no model needs; `?prompts=1`: all saved prompts too", None),
    _post("/api/blobs", "Store a file whose digest is not known", {"type": "string"}, body_type=_BYTES),
    _head("/api/blobs/:digest", "Whether a file is in the store"),
    _post("/api/blobs/:digest", "Store a file", {"type": "string"}, body_type=_BYTES, answer=""),
    _get(
        "/api/chats", "The chats that are kept here; `?q=WORDS` searches, `?folder=`, `?cursor=`, `?limit=`"
    ),
    _post("/api/chats", "Keep a chat", Change, example={"title": "Peru", "messages": [_KEPT]}),
    _get("/api/chats/:id", "A chat with all its messages"),
    Operation(
        method="PATCH",
        path="/api/chats/:id",
        summary="Change a chat whose revision is known: what is named, and messages by their ids",
        body=Change,
        required=("revision",),
        example={"revision": 1, "title": "Peru", "pinned": True},
    ),
    Operation(method="DELETE", path="/api/chats/:id", summary="Forget a chat", answer=""),
    _get("/api/chats/export", "All chats as a file, or one: `?id=ID`, `?format=json` or `markdown`"),
    _post("/api/chats/import", "Keep the chats of such a file", _ANY_OBJECT),
    _get("/api/keys", "The API keys, their limits and what they have used"),
    _post("/api/keys", "Make an API key, shown once", KeyIn, "name", example={"name": "alice"}),
    Operation(method="DELETE", path="/api/keys/:name", summary="Revoke an API key", answer=""),
    *TUNE_OPERATIONS,
    _post("/api/me", "The account: there is none", None),
    _post("/api/signout", "Leave the account: there is none", None),
    Operation(method="DELETE", path="/api/user/keys/:key", summary="Leave the account: there is none"),
    _post("/api/experimental/web_search", "Search the web: not possible here", _ANY_OBJECT),
    _post("/api/experimental/web_fetch", "Fetch a page: not possible here", _ANY_OBJECT),
    _get("/api/experimental/model-recommendations", "Models that are certain to work here"),
)
