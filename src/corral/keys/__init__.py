"""API keys: who may do what, and how much of it.

Comes in: the secret that a request carries. Goes out: the `Holder` of that key, which knows its scopes and
keeps its budgets. The server asks `KeyRing` at every request that carries a key; the command line and the
administration API make, list and revoke keys with the functions of `table`. Secrets are kept only as digests.
"""

from corral.keys.holder import Holder
from corral.keys.key import PREFIX, Key, NewKey, read_new_key
from corral.keys.limits import Limit
from corral.keys.record import key_record
from corral.keys.ring import KeyRing
from corral.keys.scopes import SCOPES, Scope, read_scopes
from corral.keys.table import KeyRow, create_key, list_keys, revoke_key

__all__ = [
    "PREFIX",
    "SCOPES",
    "Holder",
    "Key",
    "KeyRing",
    "KeyRow",
    "Limit",
    "NewKey",
    "Scope",
    "create_key",
    "key_record",
    "list_keys",
    "read_new_key",
    "read_scopes",
    "revoke_key",
]
