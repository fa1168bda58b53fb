"""Metrics: codes as labels, never identities."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY, Counter, Histogram

from screener.telemetry import metrics

OURS = [value for value in vars(metrics).values() if isinstance(value, Counter | Histogram)]


def test_every_label_is_a_code() -> None:
    labels = {label for metric in OURS for label in metric._labelnames}

    assert labels == {"outcome", "reason", "stage"}


def test_every_metric_is_named_after_the_product_and_says_its_unit() -> None:
    names = [family.name for metric in OURS for family in metric.collect()]

    assert len(names) == 4
    assert all(name.startswith("screener_") for name in names)
    assert [m for m in OURS if isinstance(m, Histogram) and not m._name.endswith("_seconds")] == []


def test_they_are_in_the_registry_that_is_served() -> None:
    served = {family.name for family in REGISTRY.collect()}

    assert {family.name for metric in OURS for family in metric.collect()} <= served


def test_port_0_serves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(metrics, "start_http_server", lambda *given, **_: started.append(given))

    metrics.serve_metrics(0)
    metrics.serve_metrics(9100)

    assert started == [(9100,)]
