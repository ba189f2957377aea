"""`logs`: what the server of this machine wrote down."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

from corral.cli.connect import client_host, is_local
from corral.cli.errors import CommandError
from corral.cli.invocation import Invocation

DEFAULT_LINES = 100
_BLOCK = 1 << 16
_POLL_S = 0.2


def run(call: Invocation) -> None:
    address = call.settings.address
    if not is_local(client_host(address.host)):
        raise CommandError(f"the log of {address.url} is on that machine: run '{call.program} logs' there")
    path = call.settings.log_file
    lines = call.number("lines") if "lines" in call.flags else DEFAULT_LINES
    follow = call.is_set("follow")
    if not path.exists() and not follow:
        raise CommandError(f"there is no log yet: {path}")
    _print_end(path, lines)
    if follow:
        _follow(path)


def _print_end(path: Path, lines: int) -> None:
    """The last lines; where the newest file has too few, those of the one before it."""
    older = path.with_name(f"{path.name}.1")
    found: list[bytes] = []
    for file in (path, older):
        if len(found) < lines and file.exists():
            with file.open("rb") as opened:
                found = [*last_lines(opened, lines - len(found)), *found]
    sys.stdout.buffer.writelines(found)
    sys.stdout.flush()


def last_lines(file: BinaryIO, count: int) -> list[bytes]:
    """Read from the end, so that a large file costs no more than a small one."""
    start = file.seek(0, os.SEEK_END)
    data = b""
    while start > 0 and data.count(b"\n") <= count:
        size = min(_BLOCK, start)
        start -= size
        file.seek(start)
        data = file.read(size) + data
    return data.splitlines(keepends=True)[-count:] if count > 0 else []


def _follow(path: Path) -> None:
    """What is written from now on, until Ctrl-C; also after the file was rotated away and begun anew."""
    file: BinaryIO | None = None
    try:
        file = _open_at_end(path)
        while True:
            while file is not None and (data := file.read(_BLOCK)):
                sys.stdout.buffer.write(data)
                sys.stdout.flush()
            time.sleep(_POLL_S)
            file = _newest(path, file)
    finally:
        if file is not None:
            file.close()


def _open_at_end(path: Path) -> BinaryIO | None:
    if not path.exists():
        return None
    file = path.open("rb")
    file.seek(0, os.SEEK_END)
    return file


def _newest(path: Path, file: BinaryIO | None) -> BinaryIO | None:
    """The file that has the name now: the same, or the one that took its place, from its beginning."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return file
    if file is not None and os.path.samestat(os.fstat(file.fileno()), named) and file.tell() <= named.st_size:
        return file
    if file is not None:
        sys.stdout.buffer.write(file.read())  # what came between the last look and the change
        file.close()
    return path.open("rb")
