"""What happens in a running server, for those who watch it: metrics, the log, captured requests.

Comes in: what requests took, what the scheduler did, log records. Goes out: the text of `/metrics`, lines of
the log, a file of requests. The server calls it; nothing here changes what a client gets.
"""

from corral.monitor.capture import MAX_BODY as MAX_CAPTURED
from corral.monitor.capture import Capture, read_mode
from corral.monitor.exchange import Exchange, current_exchange
from corral.monitor.logs import configure_logs
from corral.monitor.metrics import Metrics
from corral.monitor.monitor import Monitor
from corral.monitor.recent import RecentLog, read_level
from corral.monitor.secrets import without_secrets

__all__ = [
    "MAX_CAPTURED",
    "Capture",
    "Exchange",
    "Metrics",
    "Monitor",
    "RecentLog",
    "configure_logs",
    "current_exchange",
    "read_level",
    "read_mode",
    "without_secrets",
]
