"""The family that splits nothing."""

from __future__ import annotations

from corral.answer.families.setting import Setting
from corral.answer.parser import AnswerParser, PlainParser


def plain(_setting: Setting) -> AnswerParser:
    return PlainParser()
