"""Where Corral answers otherwise than the reference, and why.

The list is kept true by the tests: a vector that is listed here and passes fails its test.
"""

_ONE_RULE = "the list shows the same capabilities as show; the reference reads less for the list"
_BYTES_KEPT = "files are kept byte for byte on import; the reference adds general.quantization_version"
_HONOURED = "what a request sets and Corral honours is told in the answer"
_LOGPROBS = "log-probabilities that were asked for are in the answer"
_OWN_MEMORY = "the size is the memory that our engine really takes"
_JSON_OR_ERROR = "an answer whose JSON was cut off is an error that says so, not a fragment"
_CUT_IS_SAID = "the last record says what the model did not get to see"
_IMAGE_CHECKED = "a file that the model cannot read is the client's mistake: 400, before anything is loaded"
_NOTHING_IS_LOST = "a call of a tool that was not declared is shown as the text that it is"
_MORE_TYPES = "every type of the engine's quantizer can be asked for; the reference has six"

KNOWN: dict[str, str] = {
    "cli/error-unknown-command": "the word resembles a command that the reference does not have",
    "chat/format-json-plain-chatml": _JSON_OR_ERROR,
    "generate/format-json": _JSON_OR_ERROR,
    "cli/run-format-json": _JSON_OR_ERROR,
    "chat/image-text-model": _IMAGE_CHECKED,
    "openai/error-image-text-model": _IMAGE_CHECKED,
    "create/error-adapter-two": "a model may have several adapters",
    "chat/truncate-run": _CUT_IS_SAID,
    "chat/shift-false-length": _CUT_IS_SAID,
    "generate/ctx-small-native": _CUT_IS_SAID,
    "chat/run-tools-undeclared-plain-tools": _NOTHING_IS_LOST,
    "chat/run-tools-undeclared-peer-gotools": _NOTHING_IS_LOST,
    "tags/list": _ONE_RULE,
    "copy/ok-ns": _ONE_RULE,
    "show/embed": _BYTES_KEPT,
    "show/name-field": _BYTES_KEPT,
    "show/verbose": _BYTES_KEPT,
    "cli/show-verbose": _BYTES_KEPT,
    "completions/logprobs": _LOGPROBS,
    "responses/echo": _HONOURED,
    "cli/ps": _OWN_MEMORY,
    "cli/run-hidethinking": "the flag hides thinking, of whichever way to a prompt; in the reference of one",
    "create/quantize-bad": _MORE_TYPES,
    "cli/create-quantize-bad": _MORE_TYPES,
}
