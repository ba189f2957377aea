"""The report put together from what was counted."""

from __future__ import annotations

from collections.abc import Sequence

from corral.core.model import Model
from corral.tune.data.formats import short_names
from corral.tune.data.reading import DataFile
from corral.tune.data.report import Report, Sample
from corral.tune.data.sequences import TokenSequence
from corral.tune.data.tally import Tally, lengths_of


def make_report(
    files: Sequence[DataFile],
    tally: Tally,
    keys: Sequence[bytes],
    train: Sequence[TokenSequence],
    held_out: Sequence[TokenSequence],
    samples: Sequence[Sample],
    *,
    model: Model,
    max_length: int,
    notes: Sequence[str],
) -> Report:
    """`keys` are those of all rows that can be used."""
    sequences = [*train, *held_out]
    num_tokens = sum(len(found.tokens) for found in sequences)
    num_trained = sum(found.num_trained for found in sequences)
    over_long = sum(length > max_length for length in tally.lengths)
    return Report(
        files=tuple(file.found() for file in files),
        rows=tally.num_rows,
        used=len({found.row for found in sequences}),
        train_rows=len({found.row for found in train}),
        held_out_rows=len({found.row for found in held_out}),
        sequences=len(sequences),
        dropped=tally.dropped(),
        duplicates=len(keys) - len(set(keys)),
        lengths=lengths_of(tally.lengths),
        max_length=max_length,
        over_long=over_long,
        over_long_share=over_long / len(tally.lengths),
        tokens=num_tokens,
        trained_tokens=num_trained,
        trained_share=num_trained / num_tokens,
        reasoned=tally.num_reasoned,
        template=model.mode.value,
        samples=tuple(samples),
        notes=(*notes, *_notes(files, tally)),
    )


def _notes(files: Sequence[DataFile], tally: Tally) -> list[str]:
    out = []
    if num_open := sum(file.num_open for file in files):
        out.append(f"{num_open} conversations end with a question: it was left out")
    if tally.num_cut:
        out.append(
            f"{tally.num_cut} sequences were too long: conversations lost their oldest turns, "
            "texts were cut in pieces"
        )
    if tally.num_lost:
        out.append(f"{tally.num_lost} answers were left out: alone with their question they are too long")
    if tally.num_reasoned:
        out.append(
            f"{tally.num_reasoned} rows without reasoning are learnt twice: at once where reasoning is "
            "switched off, and behind reasoning that the base has written"
        )
    if tally.num_unreasoned:
        out.append(
            f"{tally.num_unreasoned} rows teach a base that reasons to answer at once; to keep its "
            'reasoning, add "think": false to them, or reasoning'
        )
    for file in files:
        if file.unused:
            names = short_names(file.unused)
            out.append(f"{file.path.name}: not used of its rows: {names}")
    return out
