"""Command R: attention and feed-forward side by side behind one norm, and scaled scores."""

from __future__ import annotations

from corral.convert.architectures.base import DECODER, DECODER_IGNORED, Architecture, Keys, decoder_keys
from corral.convert.architectures.rope import rope_keys
from corral.convert.config import Config
from corral.errors import Unsupported


def _keys(config: Config) -> Keys:
    if config.flag("use_qk_norm"):
        raise Unsupported("the engine has no Command R with normed heads")
    keys = decoder_keys(config.over({"rms_norm_eps": 0.0})) | rope_keys(config)
    del keys["attention.layer_norm_rms_epsilon"]
    return {
        **keys,
        "context_length": config.whole("model_max_length", "max_position_embeddings"),
        "attention.layer_norm_epsilon": config.number("layer_norm_eps"),
        "logit_scale": config.number("logit_scale"),
        "rope.scaling.type": "none",
    }


COMMAND_R = Architecture(
    name="command-r",
    tensors={
        module: new
        for module, new in DECODER.items()
        if module != "lm_head" and not module.endswith("post_attention_layernorm")
    },
    keys=_keys,
    defaults={
        "layer_norm_eps": 1e-5,
        "logit_scale": 0.0625,
        "max_position_embeddings": 8192,
        "use_qk_norm": False,
    },
    ignored=(*DECODER_IGNORED, "lm_head"),
)
