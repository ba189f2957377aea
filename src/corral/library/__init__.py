"""The models of this machine: what can be asked of them and done with them.

In: names and requests as the dialects decode them. Out: a `Model` for the road (`resolve`), facts (`tags`,
`show`), progress (`create`, `pull`, `push`). This is where `store`, `gguf`, `template`, `modelfile` and
`registry` meet. Called by `serving`, by every dialect and by `server` at start.
"""

from corral.library.access import read_hosts
from corral.library.create import check_request
from corral.library.draft import Draft, Problem
from corral.library.facts import CreateRequest, Details, Listed, Shown, TensorFact
from corral.library.library import Library
from corral.library.pulls import Pull, Pulls
from corral.library.sharing import SharedBlob, Sharing
from corral.library.tuned import Tuned
from corral.library.upkeep import Comparison, Damage, DiskUse, ModelUse, Upkeep

__all__ = [
    "Comparison",
    "CreateRequest",
    "Damage",
    "Details",
    "DiskUse",
    "Draft",
    "Library",
    "Listed",
    "ModelUse",
    "Problem",
    "Pull",
    "Pulls",
    "SharedBlob",
    "Sharing",
    "Shown",
    "TensorFact",
    "Tuned",
    "Upkeep",
    "check_request",
    "read_hosts",
]
