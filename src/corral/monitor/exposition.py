"""The text of `/metrics`, written by Prometheus' own library. Imported at the first scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from corral import __version__
from corral.cache import EVENTS
from corral.monitor.measures import Tally, Timing
from corral.monitor.metrics import Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(metrics: Metrics) -> bytes:
    """All metrics of one server, and those of its process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Corral(metrics))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Corral(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("corral_info", "The program", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        for measure in self._metrics.measures():
            yield _tally(measure) if isinstance(measure, Tally) else _timing(measure)
        requests = self._metrics.in_progress
        yield GaugeMetricFamily("corral_http_requests_in_progress", "Requests being answered", requests)
        yield from self._queue()
        yield from self._journal()
        yield from self._prompts()
        yield from self._models()

    def _queue(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("corral_queue_depth", "Requests that wait", labels=["stage"])
        waiting = Counter(entry.stage for entry in self._metrics.scheduler.queue())
        for stage in ("load", "slot"):
            depth.add_metric([stage], waiting[stage])
        yield depth

    def _journal(self) -> Iterator[Metric]:
        journal = self._metrics.scheduler.journal
        by_reason = ("model", "reason")
        yield _counter("corral_model_loads", "Models loaded", by_reason, journal.loads.items())
        yield _counter("corral_model_load_failures", "Loads that failed", by_reason, journal.failures.items())
        yield _counter("corral_model_unloads", "Models unloaded", by_reason, journal.ends.items())
        seconds = [((model,), spent) for model, spent in journal.load_s.items()]
        yield _counter("corral_model_load_seconds", "Time spent on loads", ("model",), seconds)

    def _prompts(self) -> Iterator[Metric]:
        """What was not read again, and the prompts on the disk."""
        ratio = GaugeMetricFamily(
            "corral_prompt_cache_hit_ratio",
            "Part of all prompt tokens that the cache had",
            labels=["model"],
        )
        for model, value in self._metrics.hit_ratios().items():
            ratio.add_metric([model], value)
        yield ratio
        saved = self._metrics.saved
        if saved is None:
            return
        yield GaugeMetricFamily("corral_saved_prompts", "Prompts on the disk", saved.num_states)
        yield GaugeMetricFamily("corral_saved_prompt_bytes", "What they take", saved.num_bytes)
        events = [((event,), saved.counts[event]) for event in EVENTS]
        yield _counter("corral_saved_prompt_events", "What happened to saved prompts", ("event",), events)

    def _models(self) -> Iterator[Metric]:
        memory = GaugeMetricFamily(
            "corral_model_memory_bytes", "Memory of a model", labels=["model", "where"]
        )
        slots = GaugeMetricFamily("corral_model_slots", "Requests it can serve at a time", labels=["model"])
        in_use = GaugeMetricFamily("corral_model_slots_in_use", "Requests it serves now", labels=["model"])
        loaded = self._metrics.scheduler.loaded()
        yield GaugeMetricFamily("corral_models_loaded", "Models that are loaded", len(loaded))
        for info in loaded:
            memory.add_metric([info.name, "system"], info.size - info.size_vram)
            memory.add_metric([info.name, "device"], info.size_vram)
            slots.add_metric([info.name], info.num_slots)
            in_use.add_metric([info.name], info.in_flight - info.waiting)
        yield from (memory, slots, in_use)


def _tally(measure: Tally) -> Metric:
    return _counter(measure.name, measure.help, measure.labels, measure.counts.items())


def _counter(
    name: str, help: str, labels: Iterable[str], counts: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = CounterMetricFamily(name, help, labels=list(labels))
    for values, count in counts:
        family.add_metric(values, count)
    return family


def _timing(measure: Timing) -> Metric:
    family = HistogramMetricFamily(measure.name, measure.help, labels=list(measure.labels))
    for values, spread in measure.spreads.items():
        family.add_metric(values, list(spread.buckets()), sum_value=spread.total)
    return family
