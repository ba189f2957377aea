"""A model as `run` needs to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corral.cli.client import Client
from corral.cli.commands.pull import pull
from corral.cli.errors import ServerError


@dataclass(frozen=True, slots=True)
class RunModel:
    """What /api/show says that decides how a model is run."""

    name: str
    capabilities: frozenset[str]
    multimodal: bool
    parent: str = ""
    remote: str = ""  # where it runs, if not on our server
    messages: tuple[Mapping[str, Any], ...] = ()

    @property
    def thinks(self) -> bool:
        return "thinking" in self.capabilities


def find_model(client: Client, name: str) -> RunModel:
    """Raises ServerError; status 404 when there is no such model."""
    return _from_show(name, client.call("POST", "/api/show", {"model": name}))


def find_or_pull(client: Client, name: str, *, insecure: bool) -> RunModel:
    """As `find_model`, but a model that is not there is pulled first."""
    try:
        return find_model(client, name)
    except ServerError as error:
        if error.status != 404:
            raise
    pull(client, name, insecure=insecure)
    return find_model(client, name)


def _from_show(name: str, shown: Mapping[str, Any]) -> RunModel:
    capabilities = frozenset(shown.get("capabilities") or ())
    info = shown.get("model_info") or {}
    multimodal = bool(
        capabilities & {"vision", "audio"}
        or shown.get("projector_info")
        or any(".vision." in key for key in info)
    )
    return RunModel(
        name=name,
        capabilities=capabilities,
        multimodal=multimodal,
        parent=(shown.get("details") or {}).get("parent_model") or "",
        remote=shown.get("remote_host") or "",
        messages=tuple(shown.get("messages") or ()),
    )
