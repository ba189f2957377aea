"""What a model says, on the terminal while it arrives.

In: the records of a streamed answer, and how it is to be shown. Out: text on stdout, and all of it later.
Used by one-shot `run` and by the chat. `answer` follows the records, `thoughts` sets thinking apart, `wrap`
breaks lines; `markdown` replaces `blocks` of text by what `render` makes of them.
"""

from __future__ import annotations

from corral.cli.answer.answer import Answer, Style, stats_text

__all__ = ["Answer", "Style", "stats_text"]
