"""Writing a message in an editor of the user's choice. Source: cli.md section 21."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from corral.cli.errors import CommandError


def editor_command(setting: str) -> list[str]:
    """The editor and its arguments: our own setting, then the usual variables, then the system's."""
    usual = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    return (setting or usual or ("edit" if sys.platform == "win32" else "vi")).split()


def edit(text: str, command: list[str]) -> str:
    """`text` as the user leaves it, without the line breaks at its end. Raises CommandError."""
    descriptor, name = tempfile.mkstemp(prefix="corral-prompt-", suffix=".txt")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run([*command, name], check=True)
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except FileNotFoundError as error:
        message = f'editor "{command[0]}" not found, set CORRAL_EDITOR to the path of your preferred editor'
        raise CommandError(message) from error
    except subprocess.CalledProcessError as error:
        raise CommandError(f'the editor "{command[0]}" failed with status {error.returncode}') from error
    finally:
        path.unlink(missing_ok=True)
