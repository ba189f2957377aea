"""`python -m corral.cli`, for machines without the entry points; the background server is started so."""

import sys

from corral.cli import main

sys.exit(main())
