"""Assembly: the parts of the server put together, and the process that runs them.

In: Settings. Out: a listening server, until it is told to stop. `corral serve` calls `run`.
"""

from corral.server.run import build, listen, run

__all__ = ["build", "listen", "run"]
