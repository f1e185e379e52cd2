"""The register of what is measured."""

import pytest

from tuivm.model.metrics import BY_ID, METRICS, Metric

UNITS = {"%", "B", "B/s", "/s", "ns", ""}


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_each_is_explained(metric: Metric) -> None:
    assert metric.unit in UNITS
    for words in (metric.title, metric.field, metric.meaning, metric.good):
        assert words
    for sentence in (metric.meaning, metric.good, metric.why):
        assert sentence == "" or sentence.endswith(".")
