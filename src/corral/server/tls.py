"""TLS: a certificate from files, or one that the server makes for itself. Page: docs/tls.md."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from corral.errors import InvalidInput, StorageError
from corral.server.hosts import local_addresses
from corral.settings import Settings

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

log = logging.getLogger("corral.server")

SELF_SIGNED = "self-signed"
# What browsers take at most, and how long before its end a certificate is replaced at a start.
_LIFE, _RENEW = timedelta(days=397), timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of PEM files: a chain, and the key that belongs to it."""

    chain: Path
    key: Path


def certificate(settings: Settings) -> Certificate | None:
    """What the server shows its clients; None: it speaks plain HTTP.

    Raises InvalidInput where settings contradict each other or the files cannot be used, StorageError where a
    new certificate cannot be written.
    """
    if settings.tls not in ("", SELF_SIGNED):
        raise InvalidInput(f'CORRAL_TLS must be "{SELF_SIGNED}", not "{settings.tls}"')
    chain, key = settings.tls_cert, settings.tls_key
    if (chain is None) != (key is None):
        raise InvalidInput("CORRAL_TLS_CERT and CORRAL_TLS_KEY belong together: set both")
    if chain is not None and key is not None:
        if settings.tls:
            raise InvalidInput("set either CORRAL_TLS, or CORRAL_TLS_CERT and CORRAL_TLS_KEY")
        return _checked(Certificate(chain, key))
    return _self_signed(settings) if settings.tls else None


def _checked(files: Certificate) -> Certificate:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(files.chain, files.key)
    except ssl.SSLError as error:
        reason = error.reason or "they are no PEM files"
        raise InvalidInput(f"cannot use {files.chain} with {files.key}: {reason.lower()}") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidInput(f"cannot read {files.chain} and {files.key}: {reason}") from error
    return files


def _self_signed(settings: Settings) -> Certificate:
    """The one of the last start, or a new one where that ends soon or lacks a name of this machine."""
    files = Certificate(settings.certificate, settings.certificate.with_name("key.pem"))
    names = _names(settings.address.host)
    try:
        if not _still_good(files, names):
            _make(files, names)
            log.info("made a certificate: %s (valid for %d days)", files.chain, _LIFE.days)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError(f"cannot write {files.chain.parent}: {reason}") from error
    return _checked(files)


def _names(host: str) -> set[str]:
    """By what clients may call this machine."""
    wildcards = {"", "0.0.0.0", "::"}
    return ({"localhost", socket.gethostname().lower(), host} | local_addresses()) - wildcards


def _still_good(files: Certificate, names: set[str]) -> bool:
    # Only a server with such a certificate needs this library.
    from cryptography import x509

    if not (files.chain.exists() and files.key.exists()):
        return False
    try:
        found = x509.load_pem_x509_certificate(files.chain.read_bytes())
        told = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    covered = {str(name.value) for name in told}
    return names <= covered and found.not_valid_after_utc - datetime.now(UTC) > _RENEW


def _make(files: Certificate, names: set[str]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Corral on this machine")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in sorted(names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files.chain.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(files.key, secret)
    _write(files.chain, made.public_bytes(serialization.Encoding.PEM))


def _name(text: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and the owner's alone."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    part.replace(path)
