"""The help of the chat. Source: cli.md 20.4."""

from __future__ import annotations

from collections.abc import Iterable


def _rows(heading: str, rows: Iterable[tuple[str, str]], columns: int) -> str:
    lines = (f"  {name:<{columns}} {text}\n" if name else "\n" for name, text in rows)
    return f"{heading}\n{''.join(lines)}"


MAIN = (
    _rows(
        "Available Commands:",
        (
            ("/set", "Set session variables"),
            ("/show", "Show model information"),
            ("/load <model>", "Load a session or model"),
            ("/save <model>", "Save your current session"),
            ("/list", "List the models on this machine"),
            ("/clear", "Clear session context"),
            ("/bye", "Exit"),
            ("/?, /help", "Help for a command"),
            ("/? shortcuts", "Help for keyboard shortcuts"),
        ),
        15,
    )
    + '\nUse """ to begin a multi-line message.\n'
)

SET = _rows(
    "Available Commands:",
    (
        ("/set parameter ...", "Set a parameter"),
        ("/set system <string>", "Set system message"),
        ("/set history", "Enable history"),
        ("/set nohistory", "Disable history"),
        ("/set wordwrap", "Enable wordwrap"),
        ("/set nowordwrap", "Disable wordwrap"),
        ("/set markdown", "Render Markdown"),
        ("/set raw", "Show answers as the model writes them"),
        ("/set format json", "Enable JSON mode"),
        ("/set noformat", "Disable formatting"),
        ("/set verbose", "Show token counts and timings"),
        ("/set quiet", "Hide token counts and timings"),
        ("/set think", "Enable thinking"),
        ("/set nothink", "Disable thinking"),
        ("/set fold", "Show thinking as one line"),
        ("/set unfold", "Show thinking in full"),
    ),
    22,
)

SHOW = _rows(
    "Available Commands:",
    (
        ("/show info", "Show details for this model"),
        ("/show license", "Show model license"),
        ("/show modelfile", "Show Modelfile for this model"),
        ("/show parameters", "Show parameters for this model"),
        ("/show system", "Show system message"),
        ("/show template", "Show prompt template"),
    ),
    18,
)

PARAMETERS = _rows(
    "Available Parameters:",
    (
        ("/set parameter seed <int>", "Random number seed"),
        ("/set parameter num_predict <int>", "Max number of tokens to predict"),
        ("/set parameter top_k <int>", "Pick from top k num of tokens"),
        ("/set parameter top_p <float>", "Pick token based on sum of probabilities"),
        ("/set parameter min_p <float>", "Pick token based on top token probability * min_p"),
        ("/set parameter num_ctx <int>", "Set the context size"),
        ("/set parameter temperature <float>", "Set creativity level"),
        ("/set parameter repeat_penalty <float>", "How strongly to penalize repetitions"),
        ("/set parameter repeat_last_n <int>", "Set how far back to look for repetitions"),
        ("/set parameter num_gpu <int>", "The number of layers to send to the GPU"),
        ("/set parameter stop <string> <string> ...", "Set the stop parameters"),
    ),
    41,
)

SHORTCUTS = _rows(
    "Available keyboard shortcuts:",
    (
        ("Ctrl + a", "Move to the beginning of the line (Home)"),
        ("Ctrl + e", "Move to the end of the line (End)"),
        (" Alt + b", "Move back (left) one word"),
        (" Alt + f", "Move forward (right) one word"),
        ("Ctrl + k", "Delete the text after the cursor"),
        ("Ctrl + u", "Delete the text before the cursor"),
        ("Ctrl + w", "Delete the word before the cursor"),
        ("Ctrl + j", "Begin a new line in the message"),
        ("", ""),
        ("Ctrl + l", "Clear the screen"),
        ("Ctrl + g", "Write the message in an editor"),
        ("Ctrl + t", "Show what the model thought last"),
        ("     Tab", "Complete a command, a setting or the name of a model"),
        ("Ctrl + c", "Stop the model from responding"),
        ("Ctrl + d", "Exit (/bye)"),
    ),
    8,
)


def model_help(text: str, *, multimodal: bool) -> str:
    """The main help, with a line about files for models that can look or listen."""
    files = "Use /path/to/file to include .jpg, .png, .webp images, or .wav audio files.\n"
    return text + (files if multimodal else "")
