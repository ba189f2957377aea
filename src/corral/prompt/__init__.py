"""A conversation in; out comes what the engine reads: a prompt, or messages for the engine's own template.

In: a `core` Model, messages, tools and `think`. Out: a `Prompt` (text and images) where we render, or the
body parts of the engine's chat requests where it does; and messages that fit a context window. `library`
asks `select_mode` and `capabilities` when it reads a model; `serving` calls the rest, once a request.
"""

from corral.prompt.conversation import chat_messages, generate_messages, without_old_thinking
from corral.prompt.families import RENDERERS, renderer
from corral.prompt.images import as_text, check_images, mark_images
from corral.prompt.media import Media, inspect, is_audio
from corral.prompt.native import chat_fields, native_messages, native_tools, template_arguments
from corral.prompt.render import (
    DEFAULT_TEMPLATE,
    Prompt,
    prompt_for,
    prompt_opens_thinking,
    render,
    render_suffix,
    template_of,
)
from corral.prompt.selection import Selection, capabilities, select_mode
from corral.prompt.truncate import IMAGE_TOKENS, fit

__all__ = [
    "DEFAULT_TEMPLATE",
    "IMAGE_TOKENS",
    "RENDERERS",
    "Media",
    "Prompt",
    "Selection",
    "as_text",
    "capabilities",
    "chat_fields",
    "chat_messages",
    "check_images",
    "fit",
    "generate_messages",
    "inspect",
    "is_audio",
    "mark_images",
    "native_messages",
    "native_tools",
    "prompt_for",
    "prompt_opens_thinking",
    "render",
    "render_suffix",
    "renderer",
    "select_mode",
    "template_arguments",
    "template_of",
    "without_old_thinking",
]
