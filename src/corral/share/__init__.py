"""The store as a registry that other machines can pull from, so that a lab downloads once.

In: requests of the registry protocol, read only. Out: manifests and blobs of the store, byte for byte. Off
unless the setting `share` is on; the server asks for a key with the scope `read` where it asks for any.
Called by `server`. Source: registry.md section 2, and the OCI distribution specification, "Pull".
"""

from corral.share.routes import PATH, routes

__all__ = ["PATH", "routes"]
