"""The loop on a tiny network: when it ends, and what it keeps."""

from __future__ import annotations

import errno
import os
from array import array
from pathlib import Path

import pytest

from corral.errors import CorruptData, CreateError, InvalidInput, StorageError
from corral.tune.data import TokenSequence
from corral.tune.events import Evaluated, Note, Saved, Stepped
from corral.tune.plan import Machine, Sizes, make_plan, settle
from corral.tune.spec import Options

pytestmark = [
    pytest.mark.slow,
    # PEFT still asks transformers for it by its old name.
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),
]

VOCABULARY = 40
SIZES = Sizes(
    parameters=10_000, packable=0, adapted=1000, blocks=1, width=32, ffn_width=48, heads=2,
    vocabulary=VOCABULARY, largest_tensor=1000, has_scores=False,
)  # fmt: skip


def rows(first: int, count: int) -> list[TokenSequence]:
    """Rows that teach that `number` follows `number - 1`."""
    return [
        TokenSequence(array("i", [first + n, first + n + 1, first + n + 2]), bytes([0, 1, 1]), n)
        for n in range(count)
    ]


def trainer(folder: Path, held_out, *, identity="it", should_stop=lambda: False, said=None, **options):
    import torch
    import transformers

    from corral.tune.train.lora import with_adapter
    from corral.tune.train.trainer import Trainer

    torch.set_num_threads(1)  # small products, and other tests beside this one
    torch.manual_seed(0)
    network = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=2, vocab_size=VOCABULARY,
            initializer_range=0.5,
        )
    ).requires_grad_(False)  # fmt: skip
    train = rows(0, 16)
    settings = settle(Options(batch_size=8, **options), "balanced", width=32, context_length=64)
    machine = Machine("cpu", "here", 1 << 34, 1)
    plan = make_plan(settings, SIZES, [(3, 2)] * len(train), len(held_out), machine)
    events = said if said is not None else []
    model = with_adapter(network, settings, plan.run)
    keep = {"identity": identity, "say": events.append, "should_stop": should_stop}
    return Trainer(model, plan, train, held_out, folder, **keep)


def test_a_run_learns_and_says_so(tmp_path):
    said = []
    state = trainer(tmp_path, rows(0, 12), said=said, epochs=20, learning_rate=0.02).run()
    steps = [event for event in said if isinstance(event, Stepped)]
    assert [event.step for event in steps] == list(range(1, 41))
    assert steps[-1].loss < 0.5 * steps[0].loss
    looks = [event for event in said if isinstance(event, Evaluated)]
    assert (looks[0].step, looks[-1].step) == (0, 40)
    assert looks[-1].loss < looks[0].loss
    assert state.best_step == 40
    assert any(isinstance(event, Saved) for event in said)


def test_the_run_ends_when_held_out_rows_get_worse_and_the_best_adapter_is_kept(tmp_path):
    from corral.tune.train.loss import mean_loss

    said = []
    other = [TokenSequence(array("i", [n, n + 5, n + 9]), bytes([0, 1, 1]), n) for n in range(12)]
    run = trainer(tmp_path, other, said=said, epochs=200, learning_rate=0.02, early_stop=2)
    state = run.run()
    assert state.step < 400
    assert state.stale == 2
    assert any(isinstance(event, Note) and "has not fallen since step" in event.text for event in said)
    if state.best_step:
        assert mean_loss(run._model, other, 8) == pytest.approx(state.best_loss, rel=1e-4)


def test_few_held_out_rows_end_nothing_and_choose_nothing(tmp_path):
    other = [TokenSequence(array("i", [1, 9, 4]), bytes([0, 1, 1]), 0)]
    state = trainer(tmp_path, other, epochs=30, learning_rate=0.02, early_stop=1).run()
    assert state.step == 60


def test_a_rate_that_breaks_the_model_ends_the_run_with_advice(tmp_path):
    run = trainer(tmp_path, rows(0, 2), epochs=100, learning_rate=1.0, alpha=10_000, warmup_ratio=0.0)
    with pytest.raises(CreateError, match=r"out of control at step \d+: the loss is") as raised:
        run.run()
    assert raised.value.hint == "use a learning rate below 1"


def test_a_stopped_run_has_saved_where_it_was(tmp_path):
    from corral.tune.train.trainer import Stopped

    (tmp_path / "step-0000003.new").write_bytes(b"of a child that was killed as it wrote")
    asked = iter([False] * 5 + [True])
    with pytest.raises(Stopped):
        trainer(tmp_path, rows(0, 2), should_stop=lambda: next(asked), epochs=100).run()
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000005.pt"]
    assert trainer(tmp_path, rows(0, 2), epochs=100).state.step == 5


def test_half_a_state_is_not_left_on_a_full_disk(tmp_path, monkeypatch):
    def full(path, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match=r"step-0000001.pt cannot be written: no space left on device"):
        trainer(tmp_path, [], max_steps=4).run()
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_another_run_is_refused(tmp_path):
    trainer(tmp_path, rows(0, 2), epochs=1).run()
    with pytest.raises(InvalidInput, match=r"belongs to other data, options or another base"):
        trainer(tmp_path, rows(0, 2), identity="another", epochs=1)


def test_a_state_that_is_damaged_is_refused(tmp_path):
    (tmp_path / "step-0000005.pt").write_bytes(b"PK damaged")
    with pytest.raises(CorruptData, match=r"cannot be read") as raised:
        trainer(tmp_path, rows(0, 2), epochs=1)
    assert raised.value.hint == "remove it to begin again"
