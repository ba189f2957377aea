"""`corral serve` whose fine-tuning children say what their data tells them to: see `scripted_tuner`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    from corral.cli import main
    from corral.tune.jobs import child

    child.WORKER = "tests.helpers.scripted_tuner"
    os.chdir(ROOT)  # where a child finds the module
    sys.argv[1:] = ["serve"]
    sys.exit(main())
