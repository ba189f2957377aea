"""JSON for programs that read our output."""

from __future__ import annotations

import json
import sys


def print_json(value: object) -> None:
    """Indented JSON on stdout; text stays readable, whatever its language."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
