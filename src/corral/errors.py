"""Every error that Corral raises on purpose.

An error says what happened; what it means to a client (a status code, an exit code) is decided at the
edge: `server/errors.py` and `cli/errors.py` map classes, never texts.

    CorralError(message, *, hint=None)
      InvalidInput          InvalidName · InvalidOption · InvalidFormat · ModelfileError(line) ·
                            TemplateError(line, column) · PromptTooLong · BodyTooLarge(limit) · BodyTooSlow ·
                            PackedBodyBroken · ConfigError(path, line) · PreviousNotFound(id)
      NotFound              ModelNotFound(name) · BlobNotFound(digest)
      Unsupported           the model lacks the capability, or its architecture is unknown · NotAnEmbedder
      AccessDenied          a registry refused us · CloudDisabled · KeyRejected · ScopeMissing
      LimitExceeded(retry_after_s) a key has used up one of its budgets
      Conflict              somebody else changed it meanwhile
      ServerBusy            the queue is full
      NotEnoughMemory       no placement exists
      CorruptData           DigestMismatch · GGUFError
      StorageError          the disk refused: full, read-only, not permitted
      RegistryError         the far side failed or cannot be reached
      RunnerError           RunnerCrashed · RunnerTimeout · LoadError (UnknownArchitecture) ·
                            EngineError(status)
      AnswerBrokenOff       an answer ended before it had the format that was asked for
      CreateError           a model cannot be made of what is there
      SearchUnavailable     a model has called the search on the web, and there is none
      BuildError            an engine cannot be built on this machine
      Cancelled             the client left before an answer could be given
      PullStopped(name)     somebody ended a pull that others wait for
"""

from __future__ import annotations

from pathlib import Path


class CorralError(Exception):
    """Base of all; `message` is one line for the user, `hint` says what to do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(CorralError):
    """A request, a file or an argument is not what it must be."""


class InvalidName(InvalidInput):
    """A text that should name a model does not follow the grammar of names."""


class InvalidOption(InvalidInput):
    """An entry of `options` has the wrong type."""


class InvalidFormat(InvalidInput):
    """The `format` of a request is neither "json" nor a JSON Schema."""


class PromptTooLong(InvalidInput):
    """The prompt does not fit the context window, and may not be cut."""


class BodyTooLarge(InvalidInput):
    """A request body exceeds `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"request body too large: the limit is {limit} bytes",
            hint="upload files as blobs: /api/blobs/<digest>",
        )
        self.limit = limit


class PackedBodyBroken(InvalidInput):
    """A compressed request body cannot be decompressed."""

    def __init__(self) -> None:
        super().__init__("failed to decompress request body")


class BodyTooSlow(InvalidInput):
    """A request body comes so slowly that nobody waits for it any longer."""

    def __init__(self) -> None:
        super().__init__("request timeout: the body came too slowly")


class ConfigError(InvalidInput):
    """The configuration file cannot be used; `line` counts from 1, None where no line is at fault."""

    def __init__(self, path: Path, problem: str, *, line: int | None = None, hint: str | None = None) -> None:
        place = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{place}: {problem}", hint=hint)
        self.path = path
        self.line = line


class PreviousNotFound(InvalidInput):
    """The response that a request goes on from is not kept, or belongs to another key."""

    def __init__(self, id: str) -> None:
        super().__init__(f"Previous response with id '{id}' not found.")


class ModelfileError(InvalidInput):
    """A Modelfile cannot be used; `line` counts from 1, None where no line is at fault."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class TemplateError(InvalidInput):
    """A prompt template cannot be parsed or executed; `line` and `column` count from 1."""

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class NotFound(CorralError):
    """Something named by the user is not here."""


class ModelNotFound(NotFound):
    """No model of that name in the store; `name` is the name as the user wrote it."""

    def __init__(self, name: str, message: str | None = None) -> None:
        super().__init__(message if message is not None else f"model '{name}' not found")
        self.name = name


class BlobNotFound(NotFound):
    """No blob of that digest in the store."""

    def __init__(self, digest: str) -> None:
        super().__init__(f'blob "{digest}" not found')
        self.digest = digest


class Unsupported(CorralError):
    """The model lacks a capability, or its architecture is unknown to the engine."""


class NotAnEmbedder(Unsupported):
    """The model makes no embeddings."""


class AccessDenied(CorralError):
    """A registry, or our own key check, refused."""


class CloudDisabled(AccessDenied):
    """The request asks for a model in the cloud, and Corral has none."""

    def __init__(self, what: str = "remote model is unavailable") -> None:
        super().__init__(f"ollama cloud is disabled: {what}")


class KeyRejected(AccessDenied):
    """A request carries no API key where one is needed, or one that opens nothing."""


class ScopeMissing(AccessDenied):
    """The API key of a request does not allow what it asks for."""


class LimitExceeded(CorralError):
    """The API key of a request has used up one of its budgets; there is room again after `retry_after_s`."""

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Conflict(CorralError):
    """What a request changes is no longer what its client has seen."""


class ServerBusy(CorralError):
    """The queue of waiting requests is full."""

    def __init__(self) -> None:
        super().__init__("server busy, please try again.  maximum pending requests exceeded")


class NotEnoughMemory(CorralError):
    """No placement of the model exists in the memory of this machine."""


class CorruptData(CorralError):
    """Stored or received bytes are not what they claim to be."""


class DigestMismatch(CorruptData):
    """Bytes do not have the digest they were announced with."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f'digest mismatch, expected "{expected}", got "{actual}"')
        self.expected = expected
        self.actual = actual


class GGUFError(CorruptData):
    """A GGUF file is malformed or hostile."""


class StorageError(CorralError):
    """The file system refused: disk full, read-only, not permitted."""


class RegistryError(CorralError):
    """The far side of a transfer failed or cannot be reached."""


class RunnerError(CorralError):
    """A model could not be loaded or stopped answering."""


class RunnerCrashed(RunnerError):
    """The child process of a model ended without being asked to."""

    def __init__(
        self,
        message: str = "model runner has unexpectedly stopped, this may be due to resource limitations "
        "or an internal error, check ollama server logs for details",
    ) -> None:
        super().__init__(message)


class RunnerTimeout(RunnerError):
    """The child process of a model made no progress for too long."""


class LoadError(RunnerError):
    """The engine refused to load a model; the message holds its reason."""


class UnknownArchitecture(LoadError):
    """The engine does not know the network of a model."""

    def with_advice(self, model: str) -> LoadError:
        return LoadError(
            f"{self.message}: this model may be incompatible with your version of Ollama. If you previously "
            f"pulled this model, try updating it by running `ollama pull {model}`"
        )


class EngineError(RunnerError):
    """The engine answered a request with an error; `status` is its HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class AnswerBrokenOff(CorralError):
    """An answer ended before it had the format that the request asked for."""


class CreateError(CorralError):
    """A model cannot be made: a blob is missing, or the weights do not allow what was asked."""


class SearchUnavailable(CorralError):
    """A model has called the search on the web, and there is none."""


class BuildError(CorralError):
    """An engine cannot be built here: a tool is missing, or a compiler refused."""


class Cancelled(CorralError):
    """The client left, or the request was withdrawn, before it could be answered."""

    def __init__(self) -> None:
        super().__init__("request canceled")


class PullStopped(CorralError):
    """Somebody ended the pull of the model `name` that a client waits for."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the pull of {name} was stopped", hint="what has arrived is kept for the next pull")
        self.name = name
