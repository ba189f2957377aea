"""The model to tune: in the store, or brought there first from a folder or a registry."""

from __future__ import annotations

import re
from pathlib import Path

from corral.cli.blobs import uploaded_parts
from corral.cli.client import Client
from corral.cli.errors import CommandError, ServerError
from corral.cli.model import find_model, find_or_pull
from corral.cli.progress import Display
from corral.cli.transfer import show_records
from corral.modelfile import local_parts, parse


def base_name(client: Client, text: str, program: str) -> str:
    """The name in the store of what the user called the base. Raises CorralError."""
    folder = Path(text).expanduser()
    if not folder.is_dir():
        return find_or_pull(client, text, insecure=False).name
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("*.gguf")):
        raise CommandError(f"{folder} holds no model: neither .safetensors nor .gguf files")
    name = _name_of(folder)
    if _exists(client, name):
        raise CommandError(
            f"a model '{name}' is in the store already, perhaps another one than {folder}",
            hint=f"to tune it: {program} tune {name} ...; to import the folder under another name: "
            f"{program} create NAME, with a Modelfile that says FROM {folder}",
        )
    _import(client, folder, name)
    return name


def _name_of(folder: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._") or "base"


def _exists(client: Client, name: str) -> bool:
    try:
        find_model(client, name)
    except ServerError as error:
        if error.status == 404:
            return False
        raise
    return True


def _import(client: Client, folder: Path, name: str) -> None:
    modelfile = parse(f"FROM {folder.resolve()}".encode())
    with Display() as display:
        display.spinner(f"importing {folder} as {name}")
        body = uploaded_parts(client, local_parts(modelfile, folder), display)
        show_records(client.stream("/api/create", {"model": name, **body}), display)
