"""Requests to the engine, built field by field: nothing from outside is passed through as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corral.core.options import Options

# More makes the engine copy gigabytes for a penalty that looks no further back than the context window.
_MAX_REPEAT_LAST_N = 1 << 20
_MAX_STOPS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are chosen and when to stop. `num_predict` -1: until something else stops it.

    `slot` is where the request runs; None leaves that to the engine.
    """

    options: Options
    num_ctx: int
    num_predict: int
    num_probs: int = 0  # 0: no log-probabilities; n: the n likeliest tokens with each
    adapter_scales: tuple[float, ...] = ()  # in the order in which they were loaded
    slot: int | None = None

    @classmethod
    def of(
        cls,
        options: Options,
        num_ctx: int,
        *,
        logprobs: bool,
        top_logprobs: int,
        adapter_scales: tuple[float, ...] = (),
        slot: int | None = None,
    ) -> Sampling:
        """From a request's options; `num_ctx` is the context window it runs in."""
        limit = 10 * num_ctx
        wanted = options.num_predict
        num_predict = -1 if wanted == 0 else limit if wanted < 0 else min(wanted, limit)
        return cls(
            options=options,
            num_ctx=num_ctx,
            num_predict=num_predict,
            num_probs=max(1, min(top_logprobs, 20)) if logprobs else 0,
            adapter_scales=adapter_scales,
            slot=slot,
        )

    def fields(self) -> dict[str, Any]:
        """The part of a request body that both routes share."""
        o = self.options
        repeat_last_n = self.num_ctx if o.repeat_last_n < 0 else min(o.repeat_last_n, _MAX_REPEAT_LAST_N)
        out: dict[str, Any] = {
            "stream": True,
            "return_progress": True,
            "cache_prompt": True,
            "n_predict": self.num_predict,
            "n_keep": o.num_keep,
            "seed": o.seed if o.seed >= 0 else -1,
            "temperature": o.temperature,
            "top_k": o.top_k,
            "top_p": o.top_p,
            "min_p": o.min_p,
            "typical_p": o.typical_p,
            "repeat_last_n": repeat_last_n,
            "repeat_penalty": o.repeat_penalty,
            "presence_penalty": o.presence_penalty,
            "frequency_penalty": o.frequency_penalty,
            # An empty one is found at once, and would end every answer before it begins.
            "stop": [stop for stop in o.stop if stop][:_MAX_STOPS],
        }
        if self.slot is not None:
            out["id_slot"] = self.slot
        if self.adapter_scales:
            out["lora"] = adapter_fields(self.adapter_scales)
        return out


def adapter_fields(scales: Sequence[float]) -> list[dict[str, float]]:
    """The strengths of all adapters, in the order in which they were loaded."""
    return [{"id": number, "scale": scale} for number, scale in enumerate(scales)]


_FINAL_FIELDS = ["content", "stop", "stop_type", "stopping_word", "tokens_evaluated", "tokens_predicted"]
_FINAL_FIELDS += ["timings", "truncated", "tokens_cached"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Text to continue. `images` go where the engine's media marker stands in the prompt, in order.

    Of control tokens the engine writes only those that are `shown_tags` into the answer's text.
    """

    prompt: str
    sampling: Sampling
    images: Sequence[str] = ()  # base64
    grammar: str = ""
    shown_tags: Sequence[str] = ()

    def body(self) -> dict[str, Any]:
        prompt: Any = self.prompt
        if self.images:
            prompt = {"prompt_string": self.prompt, "multimodal_data": list(self.images)}
        out = self.sampling.fields() | {"prompt": prompt, "response_fields": _FINAL_FIELDS}
        if self.sampling.num_probs:
            out["n_probs"] = self.sampling.num_probs
        if self.grammar:
            out["grammar"] = self.grammar
        if self.shown_tags:
            out["preserved_tokens"] = list(self.shown_tags)
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCompletion:
    """A conversation that the engine renders and reads with the model's own chat template.

    `messages` and `tools` have OpenAI's shapes; `template_values` are passed to the template. The content is
    held to `schema`, which must be one that the engine holds in full (`plain_schema`).
    """

    messages: Sequence[Mapping[str, Any]]
    sampling: Sampling
    tools: Sequence[Mapping[str, Any]] = ()
    parallel_calls: bool = True
    template_values: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        out = self.sampling.fields() | {
            "messages": list(self.messages),
            "stream_options": {"include_usage": True},
            "chat_template_kwargs": dict(self.template_values),
            "reasoning_format": "auto",
        }
        # The chat route wants the OpenAI name for the limit.
        out["max_tokens"] = out.pop("n_predict")
        if self.tools:
            out |= {"tools": list(self.tools), "parse_tool_calls": True}
            out["parallel_tool_calls"] = self.parallel_calls
        if self.schema:
            out["response_format"] = {"type": "json_schema", "json_schema": {"schema": dict(self.schema)}}
        if self.sampling.num_probs:
            out |= {"logprobs": True, "top_logprobs": self.sampling.num_probs}
        return out
