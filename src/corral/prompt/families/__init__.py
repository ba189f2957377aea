"""The built-in renderers by the name that a model's config gives: one row a name, one file a family.

A family is removed by deleting its file and its rows. Source: http-api.md 11.5, modelfile.md section 15.
"""

from __future__ import annotations

from collections.abc import Mapping

from corral.core.model import Model
from corral.errors import CorralError
from corral.prompt.families import (
    cogito,
    cohere,
    deepseek,
    functiongemma,
    gemma4,
    glimmer,
    glm,
    laguna,
    lfm2,
    nemotron,
    olmo3,
    qwen3_5,
    qwen3_coder,
    qwen3_vl,
)
from corral.prompt.families.writing import Renderer

RENDERERS: Mapping[str, Renderer] = {
    "qwen3-coder": qwen3_coder.render,
    "qwen3-vl-instruct": qwen3_vl.instruct,
    "qwen3-vl-thinking": qwen3_vl.thinking,
    "qwen3.5": qwen3_5.qwen3_5,
    "qwen3.8": qwen3_5.later,
    "ornith": qwen3_5.later,
    "cogito": cogito.render,
    "deepseek3.1": deepseek.render,
    "olmo3": olmo3.olmo_3,
    "olmo3.1": olmo3.olmo_3_1,
    "olmo3-think": olmo3.olmo_3_think,
    "olmo3-32b-think": olmo3.olmo_3_32b_think,
    "nemotron-3-nano": nemotron.nano_3,
    "nemotron-3.5-nano": nemotron.nano_3_5,
    "gemma4": gemma4.small,
    "gemma4-small": gemma4.small,
    "gemma4-large": gemma4.large,
    "functiongemma": functiongemma.render,
    "glm-4.7": glm.glm_4_7,
    "glm-ocr": glm.ocr,
    "lfm2": lfm2.instruct,
    "lfm2-thinking": lfm2.thinking,
    "laguna": laguna.laguna,
    "poolside-v1": laguna.poolside,
    "cohere": cohere.render,
    "glimmer": glimmer.render,
}


def renderer(name: str, model: Model | None = None) -> Renderer:
    """The renderer called `name`; `gemma4` takes the variant that fits the size of `model`.

    Raises CorralError where no family has that name.
    """
    found = RENDERERS.get(name)
    if found is None:
        raise CorralError(f'unknown renderer "{name}"')
    if name == "gemma4" and model is not None and gemma4.is_large(model):
        return gemma4.large
    return found
