"""`serve`: run the server until it is told to stop. Source: cli.md section 9."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from corral.cli.invocation import Invocation


def run(call: Invocation) -> None:
    # The one command that needs the server, and with it everything else.
    from corral.server import run as run_server

    ensure_key_pair(call.settings.identity)
    wanted = tuple(word.strip() for word in call.text("preload").split(",") if word.strip())
    run_server(replace(call.settings, preload=wanted) if wanted else call.settings)


def ensure_key_pair(folder: Path) -> None:
    """Make the key that registries know this machine by where there is none, and say so on stdout."""
    from corral.registry import KeyPair  # brings cryptography and httpx

    if KeyPair.load(folder) is not None:
        return
    print(f"Couldn't find '{folder / 'id_ed25519'}'. Generating new private key.")
    pair = KeyPair.load_or_create(folder)
    print(f"Your new public key is: \n\n{pair.public_line}\n", flush=True)
