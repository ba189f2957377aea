"""What a model writes, seen from the texts of a conversation before and after its answer. Pure text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corral.core.messages import Message
from corral.tune.data.fields import BadRow


@dataclass(frozen=True, slots=True)
class Tags:
    """How a family writes reasoning: between tags, `gap` inside them, `behind` after the closing one."""

    opening: str
    closing: str
    gap: str = ""
    behind: str = ""

    def whole(self, thinking: str) -> str:
        return f"{self.opening}{self.gap}{self.rest(thinking)}"

    def rest(self, thinking: str) -> str:
        """Reasoning whose opening is written already."""
        return f"{thinking}{self.gap}{self.closing}{self.behind}"


TAGS = (
    Tags("<think>", "</think>", "\n", "\n\n"),
    Tags("<|START_THINKING|>", "<|END_THINKING|>"),
    Tags("<|channel>thought", "<channel|>", "\n"),
    Tags("[THINK]", "[/THINK]"),
)


def written_after(prompt: str, whole: str, answer: Message) -> str:
    """What `whole`, the conversation with its answer, has more than `prompt`. Raises BadRow."""
    if whole.startswith(prompt):
        return whole[len(prompt) :]
    if whole.startswith(prompt.rstrip()):  # the template ends with white space of its own
        return whole[len(prompt.rstrip()) :].lstrip()
    for tags in TAGS:
        head, found, opened = prompt.rpartition(tags.opening)
        if found and opened.strip() in ("", tags.closing) and whole.startswith(head):
            text = _without_reasoning(whole[len(head) :], tags)
            # The prompt opens the reasoning, and perhaps ends it too; history leaves it out.
            return text if opened.strip() else tags.rest(answer.thinking) + text
    raise BadRow("the template changes the question once it is answered")


def cut_at_end(text: str, ends: Sequence[str]) -> tuple[str, str]:
    """The text before the first of `ends`, and that end; empty where there is none."""
    places = [(at, end) for end in ends if (at := text.find(end)) >= 0]
    at, end = min(places, key=lambda place: (place[0], -len(place[1])), default=(len(text), ""))
    return text[:at], end


def behind_mark(last: str, followed: str) -> tuple[str, str]:
    """What stands behind an answer only where it is the last, and what only where turns follow it.

    The texts are those behind a mark in the answer; what both begin with belongs to it. No tag is cut in two.
    """
    pairs = enumerate(zip(last, followed, strict=False))
    common = next((at for at, (a, b) in pairs if a != b), min(len(last), len(followed)))
    if (opened := last.rfind("<", 0, common)) > last.rfind(">", 0, common):
        common = opened
    return last[common:], followed[common:]


def _without_reasoning(text: str, tags: Tags) -> str:
    if text.startswith((tags.opening, tags.closing)):
        text = text.partition(tags.closing)[2]
    return text.lstrip("\n")
