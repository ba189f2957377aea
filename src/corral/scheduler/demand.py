"""What one request needs of a runner: the part of its model and options that a load depends on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corral.core.model import Model
from corral.core.options import OPTIONS, Options
from corral.errors import LoadError, Unsupported

MIN_CONTEXT = 4
MIN_VISION_CONTEXT = 2048
DEFAULT_DRAFT_TOKENS = 4
# As many as measured best are guessed from the text.
AUTOMATIC_GUESSES = -1
MAX_BATCH = 8192
MAX_THREADS = 256
MAX_DRAFT_TOKENS = 64
# Families whose generation cannot go on past a full context by dropping its oldest tokens.
_NO_SHIFT_FAMILIES = frozenset({"deepseek2"})
_AUTOMATIC = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """`num_ctx`, `num_batch`, `main_gpu` and `use_mmap` None, `num_gpu` < 0 and `num_threads` 0: automatic.

    `num_ctx` is within the model's limits. Sizes are bytes on disk. `key` is what a runner is known by:
    two names over the same weights share one. `private`: the prompt may be used for its owner alone;
    `apart`: other owners use these weights, too, and what one wrote must not show in another's guesses.
    `crowd` is how many requests at most have wanted these weights at a time.

    `draft_num_predict` is how many tokens may be guessed ahead, 0 for none; `guessing_pays` False: guesses
    for these weights were mostly wrong. `exact`: the request wants log-probabilities, which guessed tokens
    do not have.
    """

    key: Path
    model: Model
    num_ctx: int | None = None
    num_batch: int | None = None
    num_gpu: int = -1
    main_gpu: int | None = None
    num_threads: int = 0
    use_mmap: bool | None = None
    draft_num_predict: int = AUTOMATIC_GUESSES
    guessing_pays: bool = True
    exact: bool = False
    shift: bool = True
    weights_size: int = 0
    extras_size: int = 0
    private: bool = False
    apart: bool = False
    crowd: int = 0

    @property
    def name(self) -> str:
        return self.model.name.short

    @property
    def completes(self) -> bool:
        return self.model.can("completion")


def make_demand(
    model: Model,
    options: Options,
    *,
    given: frozenset[str] | None,
    shift: bool | None,
    private: bool = False,
    apart: bool = False,
    exact: bool = False,
    guessing_pays: bool = True,
) -> Demand:
    """The demand of one request; `given` holds the options that the request or the model names.

    `given` None: every option that differs from the automatic value counts as named.
    Raises Unsupported for a model without weights here, LoadError for one that no engine can run.
    """
    if model.weights is None:
        raise Unsupported(f"{model.name.short} has no weights on this machine")
    _check_old_vision_model(model)
    _check_context_length(model)
    chosen = {name: _value(options, name, given) for name, spec in OPTIONS.items() if spec.load}
    files = (*model.adapters, *model.projectors, *([model.draft] if model.draft else []))
    return Demand(
        key=model.weights,
        model=model,
        num_ctx=None if chosen["num_ctx"] is None else limit_context(model, int(chosen["num_ctx"])),
        num_batch=_positive(chosen["num_batch"], MAX_BATCH),
        num_gpu=max(-1, int(chosen["num_gpu"] if chosen["num_gpu"] is not None else -1)),
        main_gpu=None if chosen["main_gpu"] is None else max(0, int(chosen["main_gpu"])),
        num_threads=_positive(chosen["num_thread"], MAX_THREADS) or 0,
        use_mmap=None if chosen["use_mmap"] is None else bool(chosen["use_mmap"]),
        draft_num_predict=_draft_tokens(model, chosen["draft_num_predict"]),
        guessing_pays=guessing_pays,
        exact=exact,
        shift=model.family not in _NO_SHIFT_FAMILIES if shift is None else shift,
        weights_size=model.network.file_size or _size(model.weights),
        extras_size=sum(_size(file) for file in files),
        private=private,
        apart=apart,
    )


def limit_context(model: Model, num_ctx: int) -> int:
    """`num_ctx` within what the model can do. Source: http-api.md 14.6."""
    least = MIN_VISION_CONTEXT if model.can("vision") else MIN_CONTEXT
    trained = model.network.context_length
    wanted = max(num_ctx, least)
    return min(wanted, trained) if trained > 0 else wanted


def _value(options: Options, name: str, given: frozenset[str] | None) -> int | None:
    value: int | None = getattr(options, name)
    if given is not None and name not in given:
        value = getattr(_AUTOMATIC, name)
    return value


def _positive(value: int | None, most: int) -> int | None:
    # The engine aborts on a batch or a thread count of 0: such values mean "automatic".
    return min(value, most) if value is not None and value > 0 else None


def _draft_tokens(model: Model, value: int | None) -> int:
    if value is None:
        return DEFAULT_DRAFT_TOKENS if model.draft else AUTOMATIC_GUESSES
    return min(max(0, value), MAX_DRAFT_TOKENS)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise LoadError(f"cannot read {path.name}: {error.strerror}") from error


def _check_context_length(model: Model) -> None:
    """The engine loads a file that says 0, and ends itself with the first request."""
    network = model.network
    if network.num_blocks and not network.context_length:
        raise LoadError(
            f"{model.name.short} cannot be loaded: its file says nothing, or 0, of how long a text may be "
            f"({network.architecture}.context_length)",
            hint="convert the model again, or get another file of it",
        )


def _check_old_vision_model(model: Model) -> None:
    if model.family == "mllama" and model.projectors:
        raise LoadError(
            "'llama3.2-vision' is no longer compatible with your version of Ollama and has been replaced by "
            "a newer version. To re-download, run 'ollama pull llama3.2-vision'"
        )
