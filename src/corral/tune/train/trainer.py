"""The loop: steps on rows to train on, now and then a look at the held-out ones, a state to go on from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from corral.errors import CreateError
from corral.tune.data import TokenSequence
from corral.tune.events import Evaluated, Event, Note, Saved, Stepped
from corral.tune.plan import FEW_ROWS, Plan, learning_rate
from corral.tune.train import checkpoints
from corral.tune.train.batches import micro_batches, rows_of_step
from corral.tune.train.checkpoints import State
from corral.tune.train.half import precision
from corral.tune.train.lora import adapter_of, put_adapter
from corral.tune.train.loss import mean_loss, summed_loss

_CLIP = 1.0  # the length that a gradient is cut to
_SAVE_S = 60.0
_RECENT = 5  # steps whose mean loss says that a run has come to nothing


class Stopped(Exception):
    """The run was asked to end; its state is saved."""


class Trainer:
    """One run. `say` hears events, `should_stop` is asked often."""

    def __init__(
        self,
        model: Any,
        plan: Plan,
        train: Sequence[TokenSequence],
        held_out: Sequence[TokenSequence],
        folder: Path,
        *,
        identity: str,
        say: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._model = model
        self._plan = plan
        self._train = train
        self._held_out = held_out
        self._folder = folder
        self._say = say
        self._should_stop = should_stop
        self._trained = [weight for weight in model.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._trained, lr=plan.settings.learning_rate, weight_decay=plan.settings.weight_decay
        )
        self._began = self._saved = time.monotonic()
        self.state = self._first_state(identity)

    def run(self) -> State:
        """All steps that are left. The adapter is then the one to keep; the state has the curves.

        Raises Stopped, CreateError when the loss is no number any longer, StorageError.
        """
        self._model.train()
        if not self.state.held_out:
            self._look()
        while not self._is_last() and not self._is_enough():
            self._step()
            if self.state.step % self._plan.course.eval_every == 0 or self._is_last():
                self._look()
                self._save()
            elif time.monotonic() - self._saved > _SAVE_S:
                self._save()
        if self._is_enough():
            self._say(Note(text=f"the held-out loss has not fallen since step {self.state.best_step}"))
        self._choose()
        self._count_time()
        return self.state

    def _first_state(self, identity: str) -> State:
        found = checkpoints.load(self._folder, identity)
        if found is None:
            return State(identity, adapter=adapter_of(self._model))
        put_adapter(self._model, found.adapter)
        if found.optimizer:
            self._optimizer.load_state_dict(dict(found.optimizer))
        checkpoints.put_random_state(found.random, self._device)
        self._say(Note(text=f"going on after step {found.step} of {self._plan.course.steps}"))
        return found

    @property
    def _device(self) -> torch.device:
        device: torch.device = self._model.device
        return device

    def _is_last(self) -> bool:
        return self.state.step == self._plan.course.steps

    def _step(self) -> None:
        settings, steps = self._plan.settings, self._plan.course.steps
        before, began = checkpoints.random_state(self._device), time.monotonic()
        numbers = rows_of_step(self.state.step, len(self._train), settings.batch_size, settings.seed)
        rows = [self._train[number] for number in numbers]
        rate = learning_rate(self.state.step, steps, settings)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._gradients(rows, before)
        norm = float(torch.nn.utils.clip_grad_norm_(self._trained, _CLIP))
        self._check(loss, norm)
        self._optimizer.step()
        self.state.step += 1
        self.state.losses.append((self.state.step, loss))
        seconds = max(time.monotonic() - began, 1e-9)
        self._say(
            Stepped(
                step=self.state.step,
                steps=steps,
                epoch=self.state.step / self._plan.course.steps_per_epoch,
                loss=loss,
                learning_rate=rate,
                grad_norm=norm,
                tokens_per_s=sum(len(row.tokens) for row in rows) / seconds,
            )
        )

    def _gradients(self, rows: Sequence[TokenSequence], before: dict[str, torch.Tensor]) -> float:
        """Of the mean over the trained tokens of the whole step, whatever fits at once; and that mean."""
        batches = list(micro_batches(rows, self._plan.run.rows))
        count = max(1, sum(len(batch.targets) for batch in batches))
        loss = 0.0
        for batch in batches:
            if self._should_stop():
                checkpoints.put_random_state(before, self._device)  # the step will begin again
                self._save()
                raise Stopped
            with precision(self._model, is_half=self._plan.run.is_half):
                part = summed_loss(self._model, batch.to(self._device)) / count
            part.backward()  # type: ignore[no-untyped-call]
            loss += float(part.detach())
        return loss

    def _check(self, loss: float, norm: float) -> None:
        """Raises CreateError when what was learned is worse than to guess, or no number at all."""
        recent = [value for _, value in self.state.losses[-_RECENT:]] + [loss]
        guessing = math.log(self._model.config.vocab_size)
        if math.isfinite(norm) and math.isfinite(loss) and sum(recent) / len(recent) < 2 * guessing:
            return
        raise CreateError(
            f"training went out of control at step {self.state.step + 1}: the loss is {loss:g}",
            hint=f"use a learning rate below {self._plan.settings.learning_rate:g}",
        )

    def _look(self) -> None:
        """The loss on the held-out rows, if there are any, and whether it is the best so far."""
        if not self._held_out:
            return
        with precision(self._model, is_half=self._plan.run.is_half):
            loss = mean_loss(self._model, self._held_out, self._plan.run.rows)
        self.state.held_out.append((self.state.step, loss))
        self._say(Evaluated(step=self.state.step, loss=loss))
        if loss < self.state.best_loss:
            self.state.best_loss, self.state.best_step = loss, self.state.step
            self.state.best_adapter, self.state.stale = adapter_of(self._model), 0
        else:
            self.state.stale += 1

    def _is_enough(self) -> bool:
        patience = self._plan.course.early_stop
        return patience > 0 and self.state.stale >= patience

    def _choose(self) -> None:
        """Keep the adapter with the best held-out loss. Of few rows it says nothing: then the last one."""
        if len(self._held_out) >= FEW_ROWS and self.state.best_step not in (0, self.state.step):
            put_adapter(self._model, self.state.best_adapter)

    def _save(self) -> None:
        self._count_time()
        self.state.adapter = adapter_of(self._model)
        self.state.optimizer = self._optimizer.state_dict()
        self.state.random = checkpoints.random_state(self._device)
        checkpoints.save(self._folder, self.state)
        self._saved = time.monotonic()
        self._say(Saved(step=self.state.step))

    def _count_time(self) -> None:
        now = time.monotonic()
        self.state.seconds += now - self._began
        self._began = now
