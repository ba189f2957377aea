"""`config`: the settings, and which of the environment, the file and the defaults gives each."""

from __future__ import annotations

from pathlib import Path

from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.table import print_table
from corral.core.units import go_duration
from corral.native import in_use
from corral.settings import FOREVER, Address, Found, explain_settings

_HEADER = ("NAME", "VALUE", "FROM")
_SECRET = ("api_key",)


def run(call: Invocation) -> None:
    path, found = explain_settings()
    engine = in_use(call.settings)
    if call.args[0] == "path":
        print(path)
    elif call.is_set("json"):
        used = {"name": engine.name, "why": engine.why, "fault": engine.fault}
        print_json({"file": str(path), "settings": [_record(setting) for setting in found], "engine": used})
    else:
        rows = [(setting.name, _text(setting), setting.origin) for setting in found]
        # No setting, but chosen like one: by 'corral engine use'.
        print_table(_HEADER, [*rows, ("(engine)", engine.name, engine.fault or engine.why)])


def _record(setting: Found) -> dict[str, object]:
    """Durations stay seconds here; forever, which JSON cannot say, is null."""
    value = _hidden(setting)
    if isinstance(value, Address):
        value = value.url
    elif isinstance(value, Path):
        value = str(value)
    elif value == FOREVER:
        value = None
    return {"name": setting.name, "value": value, "from": setting.origin}


def _text(setting: Found) -> str:
    value = _hidden(setting)
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "forever" if value == FOREVER else go_duration(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {entry}" for key, entry in value.items())
    return value.url if isinstance(value, Address) else str(value)


def _hidden(setting: Found) -> object:
    """The value without what must not be read over somebody's shoulder."""
    if setting.name.startswith("registries.") and isinstance(setting.value, dict) and "auth" in setting.value:
        return setting.value | {"auth": "(set)"}
    return "(set)" if setting.name in _SECRET and setting.value else setting.value
