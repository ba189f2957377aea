"""Prompts that need not be read again: which slot a request goes to, and states of slots kept on the disk.

Comes in: the `Prefix` of a request. Goes out: a `Seat` on the slot of a child where most of that prompt is
there already: from the request before, or restored from a file. The scheduler makes `Seats` for each child
and lets them save before it ends; the serving road sits down on them. `SavedStates` owns the files, of all
children.

`prefix`, `slots` and `worth` are pure: what prompts have in common, which slot to take, what is worth its
cost.
"""

from corral.cache.prefix import Prefix, Realm, media_blocks, token_blocks
from corral.cache.saved import SavedState
from corral.cache.saved_states import EVENTS, SavedStates
from corral.cache.seat import Child, Seat
from corral.cache.seats import Seats
from corral.cache.stamp import stamp

__all__ = [
    "EVENTS",
    "Child",
    "Prefix",
    "Realm",
    "SavedState",
    "SavedStates",
    "Seat",
    "Seats",
    "media_blocks",
    "stamp",
    "token_blocks",
]
