"""The key pair that registries know this machine by. Source: cli.md section 9, store.md section 9."""

from __future__ import annotations

import os
from pathlib import Path


def ensure_key_pair(folder: Path) -> None:
    """Make `id_ed25519` and `id_ed25519.pub` where the private one is missing, and say so on stdout."""
    path = folder / "id_ed25519"
    if path.exists():
        return
    print(f"Couldn't find '{path}'. Generating new private key.")
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    private, public = _new_key_pair()
    _write(path, private, 0o600)
    _write(path.with_suffix(".pub"), public + b"\n", 0o644)
    print(f"Your new public key is: \n\n{public.decode()}\n", flush=True)


def _new_key_pair() -> tuple[bytes, bytes]:
    """The private key as OpenSSH PEM without a passphrase, the public key as an OpenSSH line."""
    # Needed once in the life of an installation.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return private, public


def _write(path: Path, data: bytes, mode: int) -> None:
    # The mode is set before the first byte is written: the key is never readable by others.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
