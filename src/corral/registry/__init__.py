"""The protocol of model registries: manifests and blobs over HTTPS, as Docker registries speak it.

In comes a model name, an `Endpoint` and what to fetch or send; out come bytes in files, and errors of
`corral.errors`. A `RegistryClient` serves one operation on one name: it asks for tokens, follows redirects
with care and never shows a credential to another host. Called by `library`, which owns the store and the
order of steps, and by `corral login`. Source: registry.md.

`hosts` knows addresses and logins, `client` speaks the protocol; `download` with `lane` (one connection) and
`partial` (the file and its journal) brings a blob, `upload` sends one; `hugging_face` reads lists of files.
"""

from corral.registry.auth import KeyPair
from corral.registry.client import RegistryClient
from corral.registry.credentials import Credentials
from corral.registry.download import SMALL, download_blob, fetch_small
from corral.registry.guard import REDIRECTS, proxy_of
from corral.registry.hosts import HUGGING_FACE_NAMES, Endpoint, Hosts, Login
from corral.registry.hugging_face import RemoteFile, choose_files, list_files
from corral.registry.partial import bytes_to_come
from corral.registry.progress import Progress
from corral.registry.search import FoundModel, search
from corral.registry.sessions import Sessions
from corral.registry.upload import upload_blob

__all__ = [
    "HUGGING_FACE_NAMES",
    "REDIRECTS",
    "SMALL",
    "Credentials",
    "Endpoint",
    "FoundModel",
    "Hosts",
    "KeyPair",
    "Login",
    "Progress",
    "RegistryClient",
    "RemoteFile",
    "Sessions",
    "bytes_to_come",
    "choose_files",
    "download_blob",
    "fetch_small",
    "list_files",
    "proxy_of",
    "search",
    "upload_blob",
]
