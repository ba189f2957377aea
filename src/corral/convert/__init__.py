"""Weights in another form: quantizing a GGUF file when a model is made.

In: a weights file of the store, the file type wanted, an open file. Out: how far the work is, then the
digest of what was written. The work is done by a child process, because it needs native code and all
cores. Called by `library`.
"""

from corral.convert.job import Finished, Progress
from corral.convert.quantize import quantize

__all__ = ["Finished", "Progress", "quantize"]
