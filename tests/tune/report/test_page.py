from __future__ import annotations

from corral.tune.events import DataRead, Judged
from corral.tune.jobs import Job, Summary, Wanted
from corral.tune.report.page import page

REPORT = {
    "files": [{"path": "/secret/place/data/0/rows.jsonl", "rows": 3, "bytes": 2000}],
    "dropped": [{"reason": "<b>no answer</b>", "rows": 1, "places": ["/secret/place/rows.jsonl:2"]}],
    "lengths": {"min": 4, "max": 9},
    "notes": [],
    "samples": [{"place": "rows.jsonl:1", "spans": [["read <only>", False], ["learnt", True]]}],
}
GATE = Judged(
    measured="loss on trained examples",
    loss_before=2.0,
    loss_after=1.0,
    passed_before=0,
    passed_after=0,
    prompts=0,
    better=True,
    reason="it fell",
)


def test_the_page_tells_in_words_what_was_read_and_measured():
    job = Job(id="tune-1", wanted=Wanted(base="pocket"), created_at=1.0, summary=Summary(gate=GATE))
    text = page(job, [DataRead(report=REPORT)])
    assert "<td>path rows.jsonl, rows 3, bytes 2 KB</td>" in text
    assert "<td>reason &lt;b&gt;no answer&lt;/b&gt;, rows 1, places rows.jsonl:2</td>" in text
    assert "<td>min 4, max 9</td>" in text
    assert "<pre>read &lt;only&gt;<mark>learnt</mark></pre>" in text
    assert "<th>loss on trained examples</th><td>2.0000 → 1.0000</td>" in text
    assert "/secret" not in text
    assert "<th>notes</th>" not in text
