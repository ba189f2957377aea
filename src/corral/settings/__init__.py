"""How the program runs, read once and then passed on as plain values.

Each setting NAME is read from `CORRAL_NAME`, else from `OLLAMA_NAME`, so an existing set-up goes on working;
else it is the value of `name` in the file `config.toml` of the home folder; else its default.

Reading rules of variables: surrounding white space and quotes are trimmed and an empty value counts as
unset; a boolean that cannot be parsed counts as true; a number that cannot be parsed is reported and its
default applies. The file is our own, so it is held to more: what it says must be known and of its type.

`settings` holds the value `Settings` and says how each field is read, `reader` looks names up, `kinds` reads
their texts, `file` is the configuration file, `registries` its table of hosts that models come from.
"""

from __future__ import annotations

from corral.settings.address import DEFAULT_HOST, DEFAULT_PORT, Address, parse_address
from corral.settings.duration import FOREVER, parse_duration
from corral.settings.reader import Found
from corral.settings.registries import RegistrySettings
from corral.settings.settings import CONFIG_NAME, Settings, explain_settings, read_settings

__all__ = [
    "CONFIG_NAME",
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "FOREVER",
    "Address",
    "Found",
    "RegistrySettings",
    "Settings",
    "explain_settings",
    "parse_address",
    "parse_duration",
    "read_settings",
]
