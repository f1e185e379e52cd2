"""No volume that anything else may need can be ticked, and no data goes without the name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.deletion import DeletionFacts, DeletionOrder, VolumeFacts
from tuivm.preflight.deletion import check_order, data_goes, plan_deletion

GOOD = VolumeFacts(
    path="/v/web.qcow2", pool="default", volume="web.qcow2", format="qcow2", exists=True
)
OFF = DeletionFacts(name="web", uuid="u", active=False, persistent=True, volumes=(GOOD,))


def test_a_volume_of_this_guest_alone_can_be_ticked_but_is_not() -> None:
    plan = plan_deletion(OFF)
    assert [choice.refused for choice in plan.choices] == [""]
    assert plan.refused == ""
    assert check_order(plan, DeletionOrder(), "") == ""
    assert data_goes(plan, DeletionOrder()) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"owners": ("db", "mail")}, "used by db, mail too"),
        ({"children": ("/v/clone.qcow2",)}, "backs /v/clone.qcow2"),
        ({"shareable": True}, "shareable"),
        ({"read_only": True}, "read-only"),
        ({"pool": ""}, "in no storage pool"),
        ({"volume": ""}, "in no storage pool"),
        ({"exists": False}, "does not exist"),
    ],
)
def test_why_a_volume_cannot_be_ticked(change: dict, reason: str) -> None:
    plan = plan_deletion(replace(OFF, volumes=(replace(GOOD, **change),)))
    assert reason in plan.choices[0].refused
    refusal = check_order(plan, DeletionOrder(volumes=(GOOD.path,)), "web")
    assert GOOD.path in refusal
    assert reason in refusal


def test_all_reasons_are_given_at_once() -> None:
    volume = replace(GOOD, owners=("db",), shareable=True, pool="")
    refused = plan_deletion(replace(OFF, volumes=(volume,))).choices[0].refused
    assert "db" in refused
    assert "shareable" in refused
    assert "pool" in refused


def test_nothing_can_be_ticked_while_the_owners_are_not_all_known() -> None:
    plan = plan_deletion(replace(OFF, incomplete=("guest db: its XML could not be read",)))
    assert "guest db: its XML could not be read" in plan.choices[0].refused
    assert check_order(plan, DeletionOrder(volumes=(GOOD.path,)), "web")
    assert check_order(plan, DeletionOrder(), "") == ""


def test_a_volume_that_could_not_be_seen_is_a_warning() -> None:
    choice = plan_deletion(replace(OFF, volumes=(replace(GOOD, exists=None),))).choices[0]
    assert choice.refused == ""
    assert "exists" in choice.warning


def test_the_layer_below_is_said_to_stay() -> None:
    choice = plan_deletion(replace(OFF, volumes=(replace(GOOD, backing="/v/base"),))).choices[0]
    assert "/v/base" in choice.warning
    assert choice.refused == ""


def test_an_active_guest_has_to_be_forced_off() -> None:
    plan = plan_deletion(replace(OFF, active=True))
    assert "forced off" in plan.goes[0]
    assert "forced off" in check_order(plan, DeletionOrder(), "")
    assert check_order(plan, DeletionOrder(force_off=True), "") == ""


def test_a_transient_guest_has_no_definition() -> None:
    goes = plan_deletion(replace(OFF, active=True, persistent=False)).goes
    assert any("transient" in line for line in goes)
    assert not any("its definition" in line for line in goes)


def test_everything_that_goes_is_named() -> None:
    facts = replace(
        OFF,
        snapshots=("clean", "upgraded"),
        checkpoints=("c1",),
        managed_save=True,
        nvram="/n/web_VARS.fd",
        tpm=True,
    )
    goes = " | ".join(plan_deletion(facts).goes)
    for words in ("2 snapshots", "clean", "upgraded", "1 checkpoint |", "/n/web_VARS.fd", "TPM"):
        assert words in goes
    assert "managed save" in goes


@pytest.mark.parametrize("typed", ["", "WEB", "web ", "we"])
def test_data_needs_the_name_exactly(typed: str) -> None:
    plan = plan_deletion(OFF)
    order = DeletionOrder(volumes=(GOOD.path,))
    assert "exactly" in check_order(plan, order, typed)
    assert check_order(plan, order, "web") == ""
    assert data_goes(plan, order) == (GOOD.path,)


@pytest.mark.parametrize("change", [{"managed_save": True}, {"tpm": True}, {"snapshots": ("s",)}])
def test_state_that_cannot_be_made_again_is_data_too(change: dict) -> None:
    plan = plan_deletion(replace(OFF, **change))
    assert "exactly" in check_order(plan, DeletionOrder(), "")
    assert check_order(plan, DeletionOrder(), "web") == ""


def test_a_volume_of_another_guest_is_refused() -> None:
    refusal = check_order(plan_deletion(OFF), DeletionOrder(volumes=("/v/db.qcow2",)), "web")
    assert "/v/db.qcow2 is not a volume of this guest" in refusal


def test_domain_0_is_not_a_guest() -> None:
    plan = plan_deletion(replace(OFF, uuid="00000000-0000-0000-0000-000000000000"))
    assert "Domain-0" in plan.refused
    assert check_order(plan, DeletionOrder(force_off=True), "web") == plan.refused


def test_hostile_names_do_not_reach_the_words_raw() -> None:
    facts = replace(OFF, snapshots=("a\x1b[2J",), volumes=(replace(GOOD, owners=("\u202eevil",)),))
    plan = plan_deletion(facts)
    shown = " ".join(plan.goes) + plan.choices[0].refused
    assert "\x1b" not in shown
    assert "\u202e" not in shown


VOLUMES = st.builds(
    VolumeFacts,
    path=st.sampled_from(["/a", "/b", "/c"]),
    pool=st.sampled_from(["", "p"]),
    volume=st.sampled_from(["", "v"]),
    owners=st.lists(st.just("other"), max_size=1).map(tuple),
    children=st.lists(st.just("/child"), max_size=1).map(tuple),
    exists=st.sampled_from([None, True, False]),
    read_only=st.booleans(),
    shareable=st.booleans(),
)


@given(
    st.lists(VOLUMES, max_size=3, unique_by=lambda volume: volume.path),
    st.lists(st.sampled_from(["/a", "/b", "/c", "/d"]), max_size=3),
    st.booleans(),
    st.booleans(),
    st.lists(st.just("a pool"), max_size=1),
)
def test_an_accepted_order_only_names_volumes_that_nothing_else_uses(
    volumes: list[VolumeFacts], ticked: list[str], active: bool, force: bool, missing: list[str]
) -> None:
    facts = DeletionFacts("web", "u", active, True, tuple(volumes), incomplete=tuple(missing))
    order = DeletionOrder(tuple(ticked), force)
    if check_order(plan_deletion(facts), order, "web"):
        return
    assert force or not active
    known = {volume.path: volume for volume in volumes}
    for path in ticked:
        volume = known[path]
        assert not volume.owners
        assert not volume.children
        assert not volume.read_only
        assert not volume.shareable
        assert volume.pool
        assert volume.exists is not False
        assert not missing
