"""The table `registries` of the file: what is known of each host that models come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corral.settings.reader import Reader

TABLE = "registries"
_AUTH_KEYS = ({"username", "password"}, {"token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """One host. `mirror` is the address of a server that is asked first, `ca` a file with certificates to
    trust besides the usual ones, `insecure` plain http, `trust` the hosts that this one may send us to: for
    tokens, and for blobs on a private network. `auth` holds `username` and `password`, or `token`.
    """

    mirror: str = ""
    ca: str = ""
    insecure: bool = False
    trust: tuple[str, ...] = ()
    auth: Mapping[str, str] | None = None


_TYPES: Mapping[str, tuple[type, str]] = {
    "mirror": (str, "an address in quotes"),
    "ca": (str, "a path in quotes"),
    "insecure": (bool, "true or false"),
    "trust": (list, "a list of hosts"),
    "auth": (dict, "{ username, password } or { token }"),
}


def read_registries(reader: Reader) -> dict[str, RegistrySettings]:
    """The entries by host, in lower case. Raises ConfigError."""
    return {host.lower(): _read(reader, host, given) for host, given in reader.table(TABLE).items()}


def _read(reader: Reader, host: str, given: object) -> RegistrySettings:
    assert reader.file is not None  # it has given us the entry
    if not isinstance(given, dict):
        raise reader.file.error(f'"{host}" must be a table: [{TABLE}."{host}"]', TABLE, host)
    reader.file.check_keys(given, _TYPES.keys(), TABLE, host)
    for key, value in given.items():
        kind, wanted = _TYPES[key]
        if type(value) is not kind or not _is_valid(key, value):
            raise reader.file.error(f'"{key}" must be {wanted}', TABLE, host, key)
    values = {**given, "trust": tuple(given.get("trust", ()))}
    return RegistrySettings(**values)


def _is_valid(key: str, value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str) for one in value)
    if isinstance(value, dict):
        return set(value) in _AUTH_KEYS and all(isinstance(one, str) for one in value.values())
    return True
