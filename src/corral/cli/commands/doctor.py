"""`doctor`: look at everything that an answer depends on, and say how to mend what is not in order."""

from __future__ import annotations

import sys
from dataclasses import asdict

from corral.cli.doctor import Finding, Level, examine
from corral.cli.invocation import Invocation
from corral.cli.output import print_json
from corral.cli.terminal import BOLD, RESET, is_terminal, printable

_MARKS: dict[Level, str] = {"ok": "ok", "warning": "warning", "problem": "PROBLEM"}


def run(call: Invocation) -> int:
    """Status 1 where there is a problem; warnings alone are none."""
    findings: list[Finding] = []
    for finding in examine(call.settings):
        findings.append(finding)
        if not call.is_set("json"):
            _print(finding)
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    if call.is_set("json"):
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        print(f"\n{problems} problems, {warnings} warnings")
    return 1 if problems else 0


def _print(finding: Finding) -> None:
    mark = f"{_MARKS[finding.level]:<7}"
    if finding.level != "ok" and is_terminal(sys.stdout):
        mark = f"{BOLD}{mark}{RESET}"
    print(f"{mark}  {finding.topic:<9}  {printable(finding.text)}", flush=True)
    if finding.fix:
        print(f"{'':<20}fix: {finding.fix}", flush=True)
