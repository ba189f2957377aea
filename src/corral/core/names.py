"""Model names: `[scheme://][host/][namespace/]model[:tag]`. Source: http-api.md section 9."""

from __future__ import annotations

import re
from dataclasses import dataclass

from corral.errors import InvalidInput, InvalidName

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"

_PARTS = {
    "host": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}"),
    "namespace": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}"),
    "model": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"),
    "tag": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"),
}


@dataclass(frozen=True, slots=True, order=True)
class ModelName:
    """A complete, valid name; every instance has passed the grammar, so it is safe to make a path of."""

    host: str
    namespace: str
    model: str
    tag: str

    def __post_init__(self) -> None:
        for part, pattern in _PARTS.items():
            if not pattern.fullmatch(getattr(self, part)):
                raise InvalidName("invalid model name")

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """The name that `text` means, with defaults for what it leaves out. Raises InvalidName."""
        rest, tag = text, DEFAULT_TAG
        colon = rest.rfind(":")
        if colon > rest.rfind("/"):
            rest, tag = rest[:colon], rest[colon + 1 :]
        head, slash, model = rest.rpartition("/")
        if not slash:
            return cls(DEFAULT_HOST, DEFAULT_NAMESPACE, model, tag)
        host, slash, namespace = head.rpartition("/")
        if not slash:
            return cls(DEFAULT_HOST, namespace, model, tag)
        return cls(host.partition("://")[2] or host, namespace, model, tag)

    @property
    def full(self) -> str:
        """`host/namespace/model:tag`."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    @property
    def short(self) -> str:
        """The shortest form for display; the tag is always shown."""
        if self.host != DEFAULT_HOST:
            return self.full
        if self.namespace != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{self.model}:{self.tag}"
        return f"{self.model}:{self.tag}"

    @property
    def parts(self) -> tuple[str, str, str, str]:
        return (self.host, self.namespace, self.model, self.tag)

    def __str__(self) -> str:
        return self.short


@dataclass(frozen=True, slots=True)
class Reference:
    """A name as a request gives it: the text without its source suffix, and the source it asks for."""

    text: str
    cloud: bool = False
    local: bool = False


def parse_reference(text: str) -> Reference:
    """Split `:cloud`, `:local` or a `-cloud` tag from a name. Raises InvalidInput when two are given.

    Source: http-api.md 9.2.
    """
    text = text.strip()
    base, cloud, local = _cut_source(text)
    if not (cloud or local):
        return Reference(text)
    _, cloud_again, local_again = _cut_source(base)
    if cloud_again or local_again:
        raise InvalidInput(f'use either :local or :cloud, not both: "{text}"')
    return Reference(base, cloud, local)


def _cut_source(text: str) -> tuple[str, bool, bool]:
    base, colon, last = text.rpartition(":")
    if not colon or "/" in last:
        return text, False, False
    word = last.lower()
    if word in ("cloud", "local"):
        return base, word == "cloud", word == "local"
    if word.endswith("-cloud") and len(word) > len("-cloud"):
        return f"{base}:{last[: -len('-cloud')]}", True, False
    return text, False, False
