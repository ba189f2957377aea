"""JSON for programs that read our output."""

from __future__ import annotations

import json
import sys


def print_json(value: object) -> None:
    """Indented JSON on stdout; text stays readable, whatever its language."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_json_line(value: object) -> None:
    """JSON on one line of stdout, which is there at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)
