import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from corral.cache import SavedStates
from corral.core.events import Done, Text, Usage
from corral.database import Database
from corral.errors import Cancelled, RunnerCrashed
from corral.monitor import Exchange, Metrics, Monitor
from corral.monitor.exposition import exposition
from corral.monitor.measures import Spread
from corral.scheduler import Journal, Waiting
from corral.scheduler.journal import End
from corral.serving.meter import Meter

DOCS = Path(__file__).parents[2] / "docs"


@dataclass
class StillScheduler:
    """A scheduler in which nothing happens by itself."""

    journal: Journal = field(default_factory=Journal)
    waiting: list = field(default_factory=list)

    def queue(self):
        return self.waiting

    def loaded(self):
        return []


@dataclass(frozen=True)
class Wait:
    load_s: float
    wait_s: float


@pytest.fixture
def metrics(tmp_path):
    return Metrics(StillScheduler(), SavedStates(tmp_path / "prompts", Database(tmp_path / "corral.db")))


def samples(metrics):
    """The value of every sample by name and labels, read back as Prometheus does."""
    text = exposition(metrics).decode()
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Observer:
    def __init__(self, metrics, key=""):
        self.metrics = metrics
        self.key = key

    def pace(self, model):
        return self.metrics.pace(model)

    def ended(self, meter):
        self.metrics.answered(meter, self.key)


def answer(metrics, *batches, key="", error=None):
    meter = Meter("chat", Observer(metrics, key))
    meter.model = "pocket:latest"
    meter.leased(Wait(0.2, 0.03))
    for batch in batches:
        meter.batch(batch)
    if error is not None:
        meter.failed(error)
    meter.end()
    return meter


USAGE = Usage(prompt_tokens=10, cached_tokens=4, completion_tokens=2)
POCKET = "model=pocket:latest"


def test_an_answer_is_counted_with_its_tokens_and_times(metrics):
    answer(metrics, [Text("a")], [Text("b")], [Done("stop", USAGE)])
    found = samples(metrics)
    assert found["corral_answers_total", "kind=chat", POCKET, "result=ok"] == 1
    assert found["corral_prompt_tokens_total", POCKET] == 10
    assert found["corral_cached_prompt_tokens_total", POCKET] == 4
    assert found["corral_prompt_cache_hits_total", POCKET] == 1
    assert found["corral_completion_tokens_total", POCKET] == 2
    assert found["corral_written_tokens_total", POCKET] == 2
    assert found["corral_first_token_seconds_count", POCKET] == 1
    assert found["corral_inter_token_seconds_count", POCKET] == 2
    assert found["corral_queue_wait_seconds_sum", POCKET, "stage=load"] == 0.2
    assert found["corral_queue_wait_seconds_bucket", "le=0.05", POCKET, "stage=slot"] == 1
    assert found["corral_queue_wait_seconds_bucket", "le=0.025", POCKET, "stage=slot"] == 0


@pytest.mark.parametrize(
    ("error", "result"), [(None, "left"), (RunnerCrashed(), "error"), (Cancelled(), "left")]
)
def test_an_answer_that_breaks_off_counts_what_was_written(metrics, error, result):
    answer(metrics, [Text("a"), Text("b")], error=error)
    found = samples(metrics)
    assert found["corral_answers_total", "kind=chat", POCKET, f"result={result}"] == 1
    assert found["corral_completion_tokens_total", POCKET] == 2


def test_usage_is_counted_by_key(metrics):
    answer(metrics, [Done("stop", USAGE)], key="alice")
    answer(metrics, [Done("stop", USAGE)])
    found = samples(metrics)
    assert found["corral_key_tokens_total", "key=alice", "kind=prompt"] == 10
    assert found["corral_key_tokens_total", "key=alice", "kind=completion"] == 2


def test_a_request_for_several_answers_is_one_request_of_its_key(metrics):
    monitor = Monitor(metrics)
    exchange = Exchange("req_1", "POST", "/v1/chat/completions", key="alice", status=200)
    monitor.began(exchange)
    for _ in range(3):
        exchange.reached(answer(metrics, [Done("stop", USAGE)], key="alice"))
    monitor.ended(exchange)
    found = samples(metrics)
    assert found["corral_answers_total", "kind=chat", POCKET, "result=ok"] == 3
    assert found["corral_key_requests_total", "key=alice"] == 1


def test_requests_are_counted_by_route_so_that_no_client_can_invent_labels(metrics):
    for route, method in (("/api/chat", "POST"), ("", "GET"), ("", "BREW")):
        metrics.began()
        metrics.requested(route, method, 200, 0.5)
    metrics.began()
    found = samples(metrics)
    assert found["corral_http_requests_total", "method=POST", "route=/api/chat", "status=200"] == 1
    assert found["corral_http_requests_total", "method=GET", "route=other", "status=200"] == 1
    assert found["corral_http_requests_total", "method=other", "route=other", "status=200"] == 1
    assert found["corral_http_request_seconds_sum", "route=other"] == 1.0
    assert found[("corral_http_requests_in_progress",)] == 1


def test_loads_and_unloads_are_counted_with_their_reasons(metrics):
    journal = metrics.scheduler.journal
    journal.loaded("a", "requested", 1.5)
    journal.loaded("a", "reload", 0.5)
    journal.ended("a", End("evicted", "to make room for b"))
    journal.failed("b", RunnerCrashed())
    found = samples(metrics)
    assert found["corral_model_loads_total", "model=a", "reason=reload"] == 1
    assert found["corral_model_load_seconds_total", "model=a"] == 2
    assert found["corral_model_unloads_total", "model=a", "reason=evicted"] == 1
    assert found["corral_model_load_failures_total", "model=b", "reason=RunnerCrashed"] == 1


def test_the_depth_of_the_queues_is_shown_and_zero_when_nobody_waits(metrics):
    assert samples(metrics)["corral_queue_depth", "stage=load"] == 0
    metrics.scheduler.waiting = [Waiting("a", "slot", place, 0.1, "req_1") for place in (1, 2)]
    found = samples(metrics)
    assert (found["corral_queue_depth", "stage=load"], found["corral_queue_depth", "stage=slot"]) == (0, 2)


def test_the_process_is_measured_too(metrics):
    assert samples(metrics)[("process_resident_memory_bytes",)] > 1_000_000


def test_an_observation_on_a_bound_belongs_below_it():
    spread = Spread()
    for seconds in (0.0005, 0.001, 0.0011, 1000):
        spread.observe(seconds)
    buckets = dict(spread.buckets())
    assert (buckets["0.001"], buckets["0.0025"], buckets["300.0"], buckets["+Inf"]) == (2, 3, 3, 4)


def test_saved_prompts_and_the_part_that_was_not_read_again_are_told(metrics):
    meter = Meter("chat", Observer(metrics))
    meter.model = "a"
    meter.batch([Done("stop", Usage(prompt_tokens=40, cached_tokens=10))])
    meter.end()
    metrics.saved.counts["restored"] += 2
    found = samples(metrics)
    assert found["corral_prompt_cache_hit_ratio", "model=a"] == 0.25
    assert (found["corral_saved_prompts",], found["corral_saved_prompt_bytes",]) == (0, 0)
    assert found["corral_saved_prompt_events_total", "event=restored"] == 2
    assert found["corral_saved_prompt_events_total", "event=damaged"] == 0


def every_name(metrics):
    """As a query writes them: without the parts of a histogram."""
    families = text_string_to_metric_families(exposition(metrics).decode())
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in families
        if family.name.startswith("corral_")
    }


def test_the_page_names_every_metric(metrics):
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    assert every_name(metrics) == set(re.findall(r"`(corral_\w+)", page))


def test_the_board_asks_only_for_metrics_that_exist(metrics):
    board = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked = {name for query in queries for name in re.findall(r"\bcorral_\w+", query)}
    parts = {f"{name}{part}" for name in every_name(metrics) for part in ("", "_bucket", "_sum", "_count")}
    assert len(queries) >= 10
    assert asked <= parts
