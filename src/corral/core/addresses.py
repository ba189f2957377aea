"""Network addresses, as texts."""

from __future__ import annotations

import ipaddress


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet, and to no network of the user's own."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:
        return False
