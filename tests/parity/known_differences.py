"""Where Corral answers otherwise than the reference, and why.

The list is kept true by the tests: a vector that is listed here and passes fails its test.
"""

_ONE_RULE = "the list shows the same capabilities as show; the reference reads less for the list"
_BYTES_KEPT = "files are kept byte for byte on import; the reference adds general.quantization_version"
_HONOURED = "what a request sets and Corral honours is told in the answer"
_LOGPROBS = "log-probabilities that were asked for are in the answer"
_OWN_MEMORY = "the size is the memory that our engine really takes"

KNOWN: dict[str, str] = {
    "tags/list": _ONE_RULE,
    "copy/ok-ns": _ONE_RULE,
    "show/embed": _BYTES_KEPT,
    "show/name-field": _BYTES_KEPT,
    "show/verbose": _BYTES_KEPT,
    "cli/show-verbose": _BYTES_KEPT,
    "completions/logprobs": _LOGPROBS,
    "responses/echo": _HONOURED,
    "cli/ps": _OWN_MEMORY,
}
