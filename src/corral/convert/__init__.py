"""Weights in another form: checkpoints and adapters become GGUF files, GGUF files get other types.

In: files by name, the file type wanted, an open file. Out: how far the work is, then the digest of what was
written. The work is done by a child process, because it needs native code, much memory and all cores. Called
by `library`, by `cli` for files that belong to no model, and by `serving` for pictures.
"""

from corral.convert.child import Steps, convert, convert_adapter, quantize
from corral.convert.file_types import FILE_TYPES, UNQUANTIZED, file_type_named
from corral.convert.job import Finished, Note, Progress
from corral.convert.picture import to_png

__all__ = [
    "FILE_TYPES",
    "UNQUANTIZED",
    "Finished",
    "Note",
    "Progress",
    "Steps",
    "convert",
    "convert_adapter",
    "file_type_named",
    "quantize",
    "to_png",
]
