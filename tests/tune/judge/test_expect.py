from __future__ import annotations

import re

import pytest

from corral.core.messages import ToolCall
from corral.tune.judge.expect import Expected, Given

CALL = ToolCall("get", {"a": 1})


@pytest.mark.parametrize(
    ("expected", "given", "problem"),
    [
        (Expected(contains=("lima",)), Given("It is LIMA."), ""),
        (Expected(contains=("Lima", "Peru")), Given("It is Lima."), "lacks 'Peru'"),
        (Expected(any=("one", "1")), Given("It is 1."), ""),
        (Expected(any=("one", "1")), Given("It is 2."), "has none of 'one', '1'"),
        (Expected(lacks=("sorry",)), Given("Sorry, no."), "has 'sorry'"),
        (Expected(lacks=("sorry",)), Given("No."), ""),
        (Expected(regex=re.compile(r"^\d+$")), Given("42"), ""),
        (Expected(regex=re.compile(r"^\d+$")), Given("It is 42"), r"does not match '^\\d+$'"),
        (Expected(exact="Yes."), Given(" Yes.\n"), ""),
        (Expected(exact="Yes."), Given("yes."), "is not 'Yes.'"),
        (Expected(exact=""), Given("Hm"), "is not ''"),
        (Expected(calls=[("get", {"a": 1})]), Given(calls=[CALL]), ""),
        (Expected(calls=[("get", {"a": 2})]), Given(calls=[CALL]), "does not call get as it should"),
        (Expected(calls=[]), Given(calls=[CALL]), "does not call nothing as it should"),
        (Expected(thinks=True), Given("a", "why"), ""),
        (Expected(thinks=True), Given("a", "\n"), "does not reason"),
        (Expected(thinks=False), Given("a", "why"), "reasons"),
    ],
)
def test_an_answer_is_held_to_what_is_expected(expected: Expected, given: Given, problem: str):
    assert expected.problem(given) == problem
