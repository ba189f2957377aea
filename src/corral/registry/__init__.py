"""The protocol of model registries: manifests and blobs over HTTPS, as Docker registries speak it.

In comes a model name and what to fetch or send; out come bytes in files, and errors of `corral.errors`. A
`RegistryClient` serves one operation on one name: it asks for tokens, follows redirects with care and never
shows a credential to another host. Called by `library` alone, which owns the store and the order of steps.
Source: registry.md.
"""

from corral.registry.auth import KeyPair
from corral.registry.client import RegistryClient
from corral.registry.download import download_blob
from corral.registry.progress import Progress
from corral.registry.upload import upload_blob

__all__ = ["KeyPair", "Progress", "RegistryClient", "download_blob", "upload_blob"]
