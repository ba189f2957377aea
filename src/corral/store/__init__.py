"""The store: content-addressed blobs, and manifests that make models of them.

In: bytes, files, `Digest` and `ModelName` values. Out: paths, manifests, StorageError when the disk
refuses. It knows nothing of what blobs mean. Called by `library`, which runs it in threads.
"""

from corral.store.blobs import BlobStore, BlobWriter, file_digest
from corral.store.manifests import ManifestStore, StoredManifest
from corral.store.store import Store

__all__ = ["BlobStore", "BlobWriter", "ManifestStore", "Store", "StoredManifest", "file_digest"]
