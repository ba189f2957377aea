"""`signin`, `signout`, `login`, `logout`: known from another program; here there is nothing to sign in to."""

from __future__ import annotations

from corral.cli.invocation import Invocation


def run(call: Invocation) -> None:
    print("Corral has no cloud: models run on your own machines, and there is no account to sign in to.")
    if call.command in ("signin", "login"):
        print("A registry that asks who you are knows you by the key in ~/.ollama/id_ed25519.pub;")
        print("a Corral server that asks for a key takes it from CORRAL_API_KEY.")
