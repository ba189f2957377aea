"""`du`: what each model takes on the disk, and how much of it would be free without it."""

from __future__ import annotations

from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.table import print_table
from corral.core.units import human_bytes

_HEADER = ("NAME", "SIZE", "UNIQUE", "SHARED")


def run(call: Invocation) -> None:
    use = call.client().call("GET", "/api/du")
    if call.is_set("json"):
        print_json(use)
        return
    models = sorted(use["models"], key=lambda model: (-model["size"], model["name"]))
    print_table(_HEADER, [_row(model["name"], model["size"], model["unique"]) for model in models])
    print()
    print(f"all files     {human_bytes(use['blobs'] + use['unfinished'])}")
    print(f"unused        {human_bytes(use['unused'])}")
    print(f"unfinished    {human_bytes(use['unfinished'])}")
    if "prompts" in use:  # not of an older server, nor where none are saved
        print(f"prompts       {human_bytes(use['prompts'])}")


def _row(name: str, size: int, unique: int) -> tuple[str, ...]:
    return (name, human_bytes(size), human_bytes(unique), human_bytes(size - unique))
