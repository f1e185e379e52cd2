from __future__ import annotations

import json
import string
from contextlib import suppress
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.support import jsonschema_doc
from tests.support.labrun import lab_run
from tuivm.model.lab import Experiment, LabRun, Omitted, Percentiles, Tally, Trial
from tuivm.model.labamounts import bounds, factor
from tuivm.model.labfigures import results
from tuivm.reports.lab import (
    DocumentError,
    lab_from_json,
    lab_to_json,
    lab_to_markdown,
    lab_to_svg,
    runs_to_markdown,
)

TABLES = jsonschema_doc.read(Path(jsonschema_doc.DOCUMENT).with_name("lab.md"))
SVG = "{http://www.w3.org/2000/svg}"
EVIL = "=a|`<b>&\"']]>\x1b[31m\n\ud800\uffff日本\u202e"
COUNTS = st.integers(0, 2**60)
SECONDS = st.floats(0, 1e9)
NAMES = st.text(max_size=8)


def trials() -> st.SearchStrategy[Trial]:
    maps = st.dictionaries(NAMES, COUNTS, max_size=2)
    return st.builds(
        Trial,
        NAMES,
        NAMES,
        COUNTS,
        COUNTS,
        COUNTS,
        SECONDS,
        st.none() | st.builds(Percentiles, SECONDS, SECONDS, SECONDS),
        maps,
        maps,
        st.none() | COUNTS,
        st.none() | st.floats(0, 1),
    )


def tallies() -> st.SearchStrategy[Tally]:
    maps = st.dictionaries(NAMES, COUNTS, max_size=2)
    return st.builds(
        Tally, NAMES, COUNTS, maps, st.none() | COUNTS, maps, st.none() | COUNTS, NAMES
    )


def evil() -> LabRun:
    run = lab_run(Experiment.STORAGE, rounds=4)
    subjects = tuple(one._replace(title=EVIL) for one in run.plan.subjects)
    plan = run.plan._replace(subjects=subjects, omitted=(Omitted(EVIL, EVIL),))
    host = run.host._replace(name=EVIL, cpu=EVIL)
    return run._replace(name=EVIL, plan=plan, host=host, caveats=(EVIL,), remarks=(EVIL,))


@pytest.mark.parametrize("accelerator", ["kvm", "qemu"])
@pytest.mark.parametrize("rounds", [0, 3, 5])
def test_json_is_what_the_page_says(accelerator: str, rounds: int) -> None:
    run = lab_run(*Experiment, accelerator=accelerator, rounds=rounds)
    found = json.loads(lab_to_json(run))
    assert jsonschema_doc.faults(found, "run", TABLES) == []
    assert found["taken"] == "2026-11-23T10:00:00.250Z"


@pytest.mark.parametrize("accelerator", ["kvm", "qemu"])
def test_a_run_comes_back_as_it_was(accelerator: str) -> None:
    run = lab_run(*Experiment, accelerator=accelerator)
    assert lab_from_json(lab_to_json(run)) == run
    assert lab_from_json(lab_to_json(evil())) == evil()
    odd = run._replace(
        host=run.host._replace(cpus=None, virtualized=None), trials=(), tallies=(), complete=False
    )
    assert lab_from_json(lab_to_json(odd)) == odd


@settings(max_examples=50, deadline=None)
@given(st.lists(trials(), max_size=3), st.lists(tallies(), max_size=3), NAMES)
def test_whatever_was_measured_comes_back(
    made: list[Trial], counted: list[Tally], text: str
) -> None:
    run = lab_run(Experiment.STORAGE, rounds=0)._replace(
        trials=tuple(made), tallies=tuple(counted), caveats=(text,), remarks=(text,)
    )
    assert lab_from_json(lab_to_json(run)) == run


def test_derived_figures_are_there_for_other_readers() -> None:
    run = lab_run(Experiment.STORAGE, accelerator="kvm")
    rows = {one["subject"]: one for one in json.loads(lab_to_json(run))["results"][0]["rows"]}
    assert rows["ide"]["traps"] == 26
    assert rows["virtio-blk"]["traps"] == 1
    (result,) = results(run)
    ide = next(row for row in result.rows if row.subject.id == "ide")
    assert rows["ide"]["figures"]["d1.rate"] == ide.figures["d1.rate"]._asdict()
    assert rows["ide"]["ratios"]["d1.rate"] == ide.ratios["d1.rate"]._asdict()
    assert rows["ide"]["verdicts"]["d1.rate"] == "worse"


def _changed(path: tuple[str | int, ...], value: Any) -> str:
    found = json.loads(lab_to_json(lab_run(Experiment.STORAGE, rounds=1)))
    place = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(found)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("schema",), 2, "its schema is 2"),
        (("kind",), "tuivm comparison", "no lab run of tuivm"),
        (("taken",), "yesterday", "not as it should be"),
        (("complete",), 1, "neither true nor false"),
        (("host", "cpus"), 1.5, "no whole number"),
        (("host", "virtualized"), "no", "neither true nor false"),
        (("plan", "experiments", 0), "juggling", "not as it should be"),
        (("plan", "length"), "endless", "not as it should be"),
        (("plan", "subjects", 0, "id"), "ide", "two subjects"),
        (("plan", "subjects", 0, "class"), "imaginary", "not as it should be"),
        (("plan", "backings"), {"storage": "paper"}, "not as it should be"),
        (("trials",), {}, "no list"),
        (("trials", 0, "seconds"), -1, "less than 0"),
        (("trials", 0, "seconds"), True, "no number"),
        (("trials", 0, "requests"), None, "no whole number"),
        (("trials", 0, "cpu_ns"), {"vCPU": -1}, "no whole number"),
        (("tallies", 0, "registers"), [], "no object"),
        (("caveats",), [None], "no text"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused(
    path: tuple[str | int, ...], value: Any, why: str
) -> None:
    with pytest.raises(DocumentError, match=why):
        lab_from_json(_changed(path, value))


def test_missing_and_unknown_keys() -> None:
    found = json.loads(lab_to_json(lab_run(Experiment.STORAGE, rounds=1)))
    found["plan"]["new"] = found["new"] = 1
    del found["results"]
    lab_from_json(json.dumps(found))
    del found["plan"]["seed"]
    with pytest.raises(DocumentError, match="it has no 'seed'"):
        lab_from_json(json.dumps(found))
    with pytest.raises(DocumentError, match="not JSON"):
        lab_from_json("[" * 100_000)


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=4))
def test_no_value_anywhere_breaks_reading(value: Any) -> None:
    for path in (("plan",), ("host",), ("trials", 0), ("trials", 0, "latency"), ("tallies", 0)):
        with suppress(DocumentError):
            assert lab_from_json(_changed(path, value)).name


def test_markdown_has_each_device_with_figure_and_ratio() -> None:
    run = lab_run(accelerator="kvm")
    text = lab_to_markdown(run)
    for result in results(run):
        for row in result.rows:
            measure = "d1.rate" if result.experiment is Experiment.STORAGE else "small.rate"
            ratio = row.ratios[measure]
            lines = [one for one in text.splitlines() if row.subject.title in one]
            if not row.subject.baseline:
                assert any(f"{factor(ratio.median)}×{bounds(ratio)}" in one for one in lines)
        for sentence in result.words:
            assert sentence.split(":")[0] in text.replace("\\", "")
    assert "| 2 to 6 |" in text
    assert "| 2 and more |" in text
    assert "megasas: this QEMU does not have it" in text
    assert not any(category(char) == "Cc" for char in text if char != "\n")


def test_markdown_tables_are_whole() -> None:
    for text in (lab_to_markdown(lab_run()), runs_to_markdown(lab_run(), lab_run(seed=2))):
        columns = 0
        for line in text.splitlines():
            count = line.replace("\\|", "").count("|")
            if line.startswith("|"):
                assert columns in (0, count)
            columns = count if line.startswith("|") else 0


def test_nothing_from_outside_is_markup() -> None:
    for text in (lab_to_markdown(evil()), runs_to_markdown(evil(), evil())):
        assert "<b>" not in text.replace("\\<", "")
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "|`" not in text.replace("\\|", "").replace("\\`", "")


def test_two_runs_beside_each_other() -> None:
    one = lab_run(Experiment.STORAGE, accelerator="kvm")
    text = runs_to_markdown(one, lab_run(Experiment.STORAGE, name="other"))
    assert "- The accelerator differs: KVM and TCG." in text
    assert "**IDE** | IOPS, depth 1 |" in text
    assert " no |" in text
    assert "no measure in common" in runs_to_markdown(one, lab_run(Experiment.NETWORK))


def test_the_picture_has_a_bar_with_its_interval_for_each_figure() -> None:
    run = lab_run(Experiment.STORAGE, accelerator="kvm")
    root = etree.fromstring(lab_to_svg(run).encode())
    texts = [one.text for one in root.iter(f"{SVG}text")]
    (result,) = results(run)
    shown = [one for one in result.measures if one.id.count(".") < 2 and "p95" not in one.id]
    for measure in shown:
        assert measure.title in texts
    bars = [one for one in root.iter(f"{SVG}rect") if "fill-" in one.get("class", "")]
    assert len(bars) == len(shown) * len(result.rows)
    whiskers = [one for one in root.iter(f"{SVG}path") if "trace" in one.get("class", "")]
    timed = [one for one in shown if one.workload]
    assert len(whiskers) == len(timed) * len(result.rows)
    assert float(root.get("height", "0")) > max(float(one.get("y", "0")) for one in bars)


def test_bars_are_as_long_as_their_figures() -> None:
    run = lab_run(Experiment.MACHINE)
    traps = run._replace(
        trials=(),
        tallies=tuple(
            one._replace(registers={"x": 100}, notifications=300 * place, requests=100)
            for place, one in enumerate(run.tallies)
        ),
    )
    root = etree.fromstring(lab_to_svg(traps).encode())
    bars = [one for one in root.iter(f"{SVG}rect") if "fill-" in one.get("class", "")]
    first, second = (float(one.get("width", "0")) for one in bars[:2])
    assert second == pytest.approx(first * 4, abs=0.2)


def test_a_picture_of_nothing_and_of_evil_names() -> None:
    bare = lab_run(Experiment.STORAGE)._replace(trials=(), tallies=())
    etree.fromstring(lab_to_svg(bare).encode())
    text = lab_to_svg(evil())
    root = etree.fromstring(text.encode())
    assert {one.tag for one in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "style", "rect", "text", "path")
    }
    assert "\u202e" not in text


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=30), st.text(string.punctuation, max_size=20))
def test_any_name_makes_a_picture(name: str, why: str) -> None:
    run = lab_run(Experiment.STORAGE, rounds=1)._replace(name=name, caveats=(why,))
    etree.fromstring(lab_to_svg(run).encode("utf-8"))
    lab_to_markdown(run)
