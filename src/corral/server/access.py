"""Who may do what: which scope each path needs, and whether a request has it. Page: docs/keys.md."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Sequence

from starlette.datastructures import Headers

from corral import share
from corral.errors import InvalidInput, KeyRejected, ScopeMissing
from corral.keys import PREFIX, SCOPES, Holder, KeyRing, Scope, read_scopes

log = logging.getLogger("corral.server")

# Paths as their routes are written. None: open to everyone. A path that is missing here needs `admin`.
NEEDED: dict[str, Scope | None] = {
    "/": None,
    "/docs": None,
    "/ui/*path": None,
    "/metrics": "read",
    "/openapi.json": None,
    "/api/version": None,
    "/api/status": "read",
    "/api/tags": "read",
    "/api/show": "read",
    "/api/ps": "read",
    "/api/plan": "read",
    "/api/me": "read",
    "/api/signout": "read",
    "/api/user/keys/:key": "read",
    "/api/experimental/web_search": "infer",
    "/api/experimental/web_fetch": "infer",
    "/api/experimental/model-recommendations": "read",
    "/api/generate": "infer",
    "/api/chat": "infer",
    "/api/embed": "infer",
    "/api/embeddings": "infer",
    "/api/rerank": "infer",
    "/api/tokenize": "infer",
    "/api/detokenize": "infer",
    "/api/du": "read",
    "/api/outdated": "manage",
    "/api/verify": "manage",
    "/api/prune": "manage",
    "/api/pull": "manage",
    "/api/pulls": "manage",
    "/api/push": "manage",
    "/api/create": "manage",
    "/api/modelfile": "manage",
    "/api/copy": "manage",
    "/api/delete": "manage",
    "/api/blobs": "manage",
    "/api/blobs/:digest": "manage",
    "/api/logs": "admin",
    "/api/captures": "admin",
    "/api/chats": "infer",
    "/api/chats/:id": "infer",
    "/api/chats/export": "infer",
    "/api/chats/import": "infer",
    "/api/tune": "manage",
    "/api/tune/plan": "manage",
    "/api/tune/:id": "manage",
    "/api/tune/:id/events": "manage",
    "/api/tune/:id/log": "manage",
    "/api/tune/:id/report": "manage",
    "/api/tune/:id/stop": "manage",
    "/api/tune/:id/resume": "manage",
    "/api/tune/:id/publish": "manage",
    "/api/keys": "admin",
    "/api/keys/:name": "admin",
    "/v1/models": "read",
    "/v1/models/:model": "read",
    "/v1/chat/completions": "infer",
    "/v1/completions": "infer",
    "/v1/embeddings": "infer",
    "/v1/responses": "infer",
    "/v1/responses/:id": "infer",
    "/v1/audio/transcriptions": "infer",
    "/v1/files": "manage",
    "/v1/files/:id": "manage",
    "/v1/files/:id/content": "manage",
    "/v1/fine_tuning/jobs": "manage",
    "/v1/fine_tuning/jobs/:id": "manage",
    "/v1/fine_tuning/jobs/:id/cancel": "manage",
    "/v1/fine_tuning/jobs/:id/pause": "manage",
    "/v1/fine_tuning/jobs/:id/resume": "manage",
    "/v1/fine_tuning/jobs/:id/events": "manage",
    "/v1/fine_tuning/jobs/:id/checkpoints": "manage",
    "/v1/rerank": "infer",
    "/v2/rerank": "infer",
    share.PATH: "read",
    "/v1/messages": "infer",
    "/v1/messages/count_tokens": "infer",
}
# What gives access to everything else is never open, not even on this machine: a web page that may call the
# server could make itself a key that outlives it. The command line works on the file instead. Captured
# requests lie in a file that its owner alone may read: others on this machine must not read them here.
_NEVER_OPEN = ("/api/keys", "/api/keys/:name", "/api/captures")

# Scopes that make sense together, by the one that was missing.
_TOGETHER: dict[Scope, str] = {
    "infer": "infer,read",
    "read": "infer,read",
    "manage": "infer,read,manage",
    "admin": "admin",
}

# Who holds the key of the request that this task serves.
current_holder: contextvars.ContextVar[Holder | None] = contextvars.ContextVar("current_holder", default=None)


def open_scopes(words: Sequence[str], *, loopback: bool) -> frozenset[Scope]:
    """The scopes that need no key: as set (`none` for none), else all on loopback and none elsewhere.

    Raises InvalidInput.
    """
    if not words:
        return frozenset(SCOPES) if loopback else frozenset()
    scopes = read_scopes(word for word in words if word.lower() != "none")
    if "admin" in scopes and not loopback:
        raise InvalidInput('CORRAL_OPEN may not hold "admin" where other machines reach the server')
    return scopes


class Gate:
    """Lets requests in, or says why not."""

    def __init__(self, ring: KeyRing, free: frozenset[Scope]) -> None:
        self._ring = ring
        self._free = free

    async def admit(self, path: str, headers: Headers) -> Holder | None:
        """Who holds the key of a request, which must `leave` at its end; None: it needs no key and has none.

        `path` is that of the route. A request that carries a key is held to it, even where none is needed.
        Raises KeyRejected, ScopeMissing, LimitExceeded.
        """
        needed = NEEDED.get(path, "admin") if path else None
        if needed is None:
            return None
        holder = await self._holder(headers)
        if holder is None:
            if needed in self._free and path not in _NEVER_OPEN:
                return None
            raise KeyRejected(await self._how_to_get_in(needed))
        if not holder.may(needed):
            raise ScopeMissing(f'the key "{holder.name}" lacks the scope "{needed}", which {path} needs')
        self._ring.admit(holder)
        return holder

    async def _holder(self, headers: Headers) -> Holder | None:
        """Clients must often send some key: one that cannot be ours says nothing. Raises KeyRejected."""
        ours = [secret for secret in _secrets(headers) if secret.startswith(PREFIX)]
        for secret in ours:
            holder = await self._ring.find(secret)
            if holder is not None:
                return holder
        if ours:
            raise KeyRejected("this API key is not valid here: it is unknown, was revoked, or has expired")
        return None

    async def _how_to_get_in(self, needed: Scope) -> str:
        how = 'send one as "Authorization: Bearer KEY" (corral: set CORRAL_API_KEY)'
        make = f"on the server's machine, run: corral keys create NAME --scope {_TOGETHER[needed]}"
        if await self._ring.any():
            return f"an API key with the scope {needed} is needed: {how}; to make one, {make}"
        return f"an API key with the scope {needed} is needed, and there is none yet: {make}; then {how}"


def _secrets(headers: Headers) -> list[str]:
    """The keys that a request carries, in the forms that clients send."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    found = [token.strip()] if scheme.lower() == "bearer" else []
    return [secret for secret in (*found, headers.get("x-api-key", "").strip()) if secret]
