"""Becomes another program that dies with its parent: `python -m corral.engine.guard PROGRAM ARGUMENTS`.

A native `llama-server` does not watch its stdin; on Linux the kernel's parent-death signal survives exec.
"""

from __future__ import annotations

import os
import sys

from corral.engine.worker import die_with_parent, write_for_owner_alone

if __name__ == "__main__":
    die_with_parent()
    write_for_owner_alone()
    os.execv(sys.argv[1], sys.argv[1:])
