"""The register of what is measured, and the page that lists it."""

from pathlib import Path

import pytest

from tuivm.headless.openmetrics import FAMILIES
from tuivm.model.metrics import BY_ID, METRICS, Metric

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
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


def rows(heading: str) -> list[str]:
    """The rows of the table under a heading, without those that head it."""
    table = PAGE.partition(f"\n{heading}\n| ---")[2].split("\n\n")[0]
    return table.splitlines()[1:]


def test_the_page_lists_each_metric_as_the_register_has_it() -> None:
    assert rows("| id | unit | from | meaning |") == [
        f"| `{one.id}` | {one.unit or '–'} | `{one.field}` | {one.meaning} |" for one in METRICS
    ]


def test_the_page_lists_each_metric_that_is_scraped() -> None:
    assert rows("| metric | type | meaning |") == [
        f"| `{one.name}` | {one.kind} | {one.text} |" for one in FAMILIES
    ]
