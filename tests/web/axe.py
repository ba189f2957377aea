"""axe-core: what hinders people who see, hear or move otherwise."""

from __future__ import annotations

from pathlib import Path

AXE = Path(__file__).parent / "js" / "node_modules" / "axe-core" / "axe.min.js"


def findings(page):
    """What axe finds to be a serious hindrance, with the places."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE.read_text())
    result = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (violation["id"], [node["html"][:160] for node in violation["nodes"]])
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
