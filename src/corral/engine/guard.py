"""Runs a native engine binary that must not outlive us: `python -m corral.engine.guard BINARY ARGUMENTS...`.

Such a binary does not watch its stdin, so this process does: when stdin ends, because our parent ended,
both end. The status is the binary's; a signal that ended it ends this process too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

from corral.engine.worker import PR_SET_PDEATHSIG, die_with_parent


def main(command: list[str]) -> int:
    die_with_parent()
    before_start = None
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)  # loaded before the fork: little is safe between fork and exec

        def before_start() -> None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=before_start)
    except OSError as error:
        print(f"E guard: error starting {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return 127
    threading.Thread(target=_end_with_stdin, args=(child,), daemon=True).start()
    status = child.wait()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -status)
    return status


def _end_with_stdin(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    child.kill()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
