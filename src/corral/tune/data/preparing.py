"""From the files of a job to the sequences that are trained and held out, and the report on them."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from corral.core.model import Model
from corral.engine import Client, LaunchParams, start
from corral.errors import InvalidInput, Unsupported
from corral.tune.data.encoding import EncodedRow, Encoder, Reason
from corral.tune.data.fields import BadRow
from corral.tune.data.reading import DataFile
from corral.tune.data.report import Report, Sample, Span
from corral.tune.data.rows import Dropped, Row
from corral.tune.data.sequences import TokenSequence
from corral.tune.data.split import held_out_rows
from corral.tune.data.summary import make_report
from corral.tune.data.tally import Tally
from corral.tune.spec import Spec

# Rows that are rendered and cut into tokens at the same time: more than the engine has threads for HTTP.
_AT_ONCE = 32
_NUM_SAMPLES = 3
_MAX_SEQUENCES_SHOWN = 4  # of one row
_LOAD_S = 600.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to train on. `digest` is the SHA-256 of all that was read, in hex."""

    train: list[TokenSequence]
    held_out: list[TokenSequence]
    report: Report
    digest: str


async def prepare(
    spec: Spec,
    model: Model,
    *,
    max_length: int,
    eval_fraction: float,
    seed: int,
    llama_server: Path | None = None,
    on_rows: Callable[[int], None] | None = None,
    reason: Reason | None = None,
) -> Prepared:
    """Read, render and split the examples of `spec` for its base `model`.

    A sequence has at most `max_length` tokens. `on_rows` hears now and then how many rows are done.
    `llama_server` is a native server to use instead of the packaged engine; `reason` writes what the base
    thinks before answers that came without reasoning. Raises InvalidInput for data that cannot be used,
    Unsupported for a base that writes no text, StorageError, LoadError.
    """
    if model.weights is None or not model.can("completion"):
        raise Unsupported(f'"{model.name.short}" does not write text: it cannot learn from examples')
    async with vocabulary(model, llama_server) as client:
        encoder = Encoder(model, client, max_length, reason)
        await encoder.prepare()
        data = _Side(_files(spec.data, spec.format))
        await data.read(encoder, on_rows)
        check = _Side(_files(spec.validation, spec.format))
        await check.read(encoder, on_rows)
        halves = _halves(data, check, eval_fraction, seed)
        samples = [await _sample(*sample, client) for sample in data.samples]
    return _prepared(data, check, halves, samples, model, max_length)


@asynccontextmanager
async def vocabulary(model: Model, llama_server: Path | None = None) -> AsyncIterator[Client]:
    """An engine that only renders and cuts into tokens, as it would for serving `model`."""
    params = LaunchParams(model=str(model.weights), num_ctx=256, repack=False, prefill=False)
    process = await start(params, timeout_s=_LOAD_S, llama_server=llama_server)
    try:
        yield process.client
    finally:
        await process.kill()


@dataclass(slots=True)
class _Side:
    """All files that are trained on, or all that are held out. Rows that can be used are numbered from 0."""

    files: list[DataFile]
    tally: Tally = field(default_factory=Tally)
    keys: list[bytes] = field(default_factory=list)
    sequences: list[TokenSequence] = field(default_factory=list)
    samples: list[tuple[Row, TokenSequence]] = field(default_factory=list)

    async def read(self, encoder: Encoder, on_rows: Callable[[int], None] | None) -> None:
        """Raises InvalidInput where files are named and nothing in them can be used."""
        rows = itertools.chain.from_iterable(self.files)
        while some := list(itertools.islice(rows, _AT_ONCE)):
            for row, found in zip(some, await _encoded(encoder, some), strict=True):
                self._add(row, found)
            if on_rows is not None:
                on_rows(self.tally.num_rows)
        if self.files and not self.keys:
            raise self.tally.nothing_left()

    def _add(self, row: Row | Dropped, found: EncodedRow | Dropped) -> None:
        if isinstance(row, Dropped):
            self.tally.drop(row)
        elif isinstance(found, Dropped):
            self.tally.drop(found)
        else:
            sequences = [part.sequence(len(self.keys)) for part in found.parts]
            self.keys.append(row.key)
            self.sequences += sequences
            self.tally.use(found)
            if len(self.keys) <= _NUM_SAMPLES:
                self.samples += [(row, sequence) for sequence in sequences[:_MAX_SEQUENCES_SHOWN]]


def _files(paths: Iterable[str], format: str) -> list[DataFile]:
    return [DataFile(Path(path), format) for path in paths]


async def _encoded(encoder: Encoder, rows: Sequence[Row | Dropped]) -> list[EncodedRow | Dropped]:
    async def one(row: Row | Dropped) -> EncodedRow | Dropped:
        if isinstance(row, Dropped):
            return row
        try:
            return await encoder.encode(row)
        except BadRow as problem:
            return Dropped(row.place, str(problem))

    return await asyncio.gather(*map(one, rows))


@dataclass(frozen=True, slots=True)
class _Halves:
    """Numbers of the rows to train on and to hold out. Those of validation files count on from the data's."""

    train: frozenset[int]
    held_out: frozenset[int]


def _halves(data: _Side, check: _Side, eval_fraction: float, seed: int) -> _Halves:
    """Raises InvalidInput where nothing would be left to train on."""
    numbers = range(len(data.keys))
    if not check.files:
        held = _drawn(data, eval_fraction, seed)
        return _Halves(frozenset(numbers) - held, held)
    known = frozenset(check.keys)
    train = frozenset(number for number in numbers if data.keys[number] not in known)
    if not train:
        raise InvalidInput(
            "all rows of the data are in the files to hold out too",
            hint="hold out other rows than those to train on",
        )
    return _Halves(train, frozenset(range(len(numbers), len(numbers) + len(check.keys))))


def _drawn(data: _Side, eval_fraction: float, seed: int) -> frozenset[int]:
    try:
        return held_out_rows(data.keys, eval_fraction, seed)
    except InvalidInput as error:
        reasons = data.tally.reasons()
        more = f"; other rows cannot be used: {reasons}" if reasons else ""
        raise InvalidInput(error.message + more, hint=error.hint) from error


def _prepared(
    data: _Side, check: _Side, halves: _Halves, samples: Sequence[Sample], model: Model, max_length: int
) -> Prepared:
    behind = len(data.keys)
    sequences = data.sequences + [replace(found, row=found.row + behind) for found in check.sequences]
    train = [found for found in sequences if found.row in halves.train]
    held_out = [found for found in sequences if found.row in halves.held_out]
    num_known = behind - len(halves.train) if check.files else 0
    report = make_report(
        [*data.files, *check.files],
        data.tally.merged(check.tally),
        data.keys + check.keys,
        train,
        held_out,
        samples,
        model=model,
        max_length=max_length,
        notes=[f"{num_known} rows to hold out are in the data too: not trained on"] if num_known else [],
    )
    digests = "".join(file.sha256 for file in report.files)
    return Prepared(train, held_out, report, hashlib.sha256(digests.encode()).hexdigest())


async def _sample(row: Row, sequence: TokenSequence, client: Client) -> Sample:
    """The text of the tokens themselves, cut where learning begins and ends."""
    spans = []
    at = 0
    for trained, run in itertools.groupby(sequence.trained):
        length = len(list(run))
        text = await client.detokenize(sequence.tokens[at : at + length])
        spans.append(Span(text, bool(trained)))
        at += length
    return Sample(place=str(row.place), spans=tuple(spans))
