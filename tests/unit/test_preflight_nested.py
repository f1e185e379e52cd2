"""Nested virtualization: each condition met, unmet and unknown, its remedy, and the costs."""

from __future__ import annotations

import pytest

from tests.support.offers import (
    ARM,
    DESKTOP,
    HOSTS,
    SESSION,
    WINDOWS11,
    XEN,
    aarch64_caps,
    x86_caps,
)
from tuivm.model.offers import CpuMode, DomainCaps, HostOffer, NestingFacts
from tuivm.model.spec import Machine, Spec
from tuivm.preflight.defaults import complete
from tuivm.preflight.nested import conditions, costs, depth_words, feature, inside_check

REMOTE = DESKTOP._replace(local=False, nesting=NestingFacts("Intel"))
AMD = DESKTOP._replace(nesting=NestingFacts("AMD", True, "kvm_amd", True, 0, "6.1.0"))


def met(spec: Spec, offer: HostOffer, caps: DomainCaps) -> dict[str, bool | None]:
    full = complete(spec, offer, caps)
    return {one.id: one.met for one in conditions(full, offer, caps)}


def nested(**more: object) -> Spec:
    return Spec(machine=Machine(nested=True, **more))  # type: ignore[arg-type]


def with_host_model(model: str, *features: tuple[str, str]) -> DomainCaps:
    caps = x86_caps()
    others = tuple(mode for mode in caps.cpu_modes if mode.name != "host-model")
    return caps._replace(cpu_modes=(*others, CpuMode("host-model", True, model, features)))


GOOD = {"type": True, "cpu": True, "module": True, "enabled": True, "cpu-mode": True}


@pytest.mark.parametrize(
    ("spec", "offer", "caps", "expected"),
    [
        (nested(), DESKTOP, x86_caps(), GOOD),
        (nested(cpu="host-model"), DESKTOP, x86_caps(), GOOD),
        (nested(cpu="Skylake-Client-IBRS"), DESKTOP, x86_caps(), GOOD),
        (
            nested(cpu="host-model"),
            DESKTOP,
            with_host_model("Skylake-Client"),
            GOOD | {"cpu-mode": False},
        ),
        (
            nested(cpu="host-model"),
            DESKTOP,
            with_host_model("Skylake-Client", ("vmx", "disable")),
            GOOD | {"cpu-mode": False},
        ),
        # AMD's models have svm in themselves.
        (nested(cpu="host-model"), AMD, with_host_model("EPYC-Rome"), GOOD),
        (
            nested(cpu="host-model"),
            AMD,
            with_host_model("EPYC-Rome", ("svm", "disable")),
            GOOD | {"cpu-mode": False},
        ),
        (
            nested(),
            DESKTOP._replace(nesting=DESKTOP.nesting._replace(enabled=False)),
            x86_caps(),
            GOOD | {"enabled": False},
        ),
        # A remote host: what its domain capabilities tell.
        (nested(), REMOTE, x86_caps(), GOOD),
        (nested(), REMOTE, with_host_model("Skylake-Client"), GOOD | {"enabled": None}),
        (
            nested(cpu="Skylake-Client-IBRS"),
            REMOTE,
            with_host_model("Skylake-Client"),
            GOOD | {"enabled": None, "cpu-mode": None},
        ),
        (nested(), SESSION, HOSTS["session"][1], {"type": False, "cpu-mode": True}),
        (nested(cpu="EPYC"), SESSION, HOSTS["session"][1], {"type": False, "cpu-mode": True}),
        (nested(), XEN, HOSTS["xen"][1], {"type": False, "cpu-mode": False}),
        (nested(), ARM, aarch64_caps(), {"arch": False}),
    ],
)
def test_conditions(
    spec: Spec, offer: HostOffer, caps: DomainCaps, expected: dict[str, bool | None]
) -> None:
    assert met(spec, offer, caps) == expected


@pytest.mark.parametrize(
    ("facts", "id_", "remedy"),
    [
        (NestingFacts("Intel", False, "", None, 0), "cpu", "firmware's setup, and reboot"),
        (NestingFacts("Intel", False, "", None, 1), "cpu", "nested virtualization on there"),
        (NestingFacts("Intel", True, "", None, 0), "module", "modprobe kvm_intel"),
        (
            NestingFacts("Intel", True, "kvm_intel", False, 0),
            "enabled",
            "modprobe -r kvm_intel && modprobe kvm_intel",
        ),
        (
            NestingFacts("AMD", True, "kvm_amd", False, 0),
            "enabled",
            "options kvm_amd nested=1",
        ),
    ],
)
def test_each_unmet_condition_has_its_remedy(facts: NestingFacts, id_: str, remedy: str) -> None:
    offer = DESKTOP._replace(nesting=facts)
    spec = complete(nested(), offer, x86_caps())
    found = {one.id: one for one in conditions(spec, offer, x86_caps())}
    assert found[id_].met is False
    assert remedy in found[id_].remedy


def test_whatever_is_unmet_says_why_and_what_to_do() -> None:
    for offer, caps in HOSTS.values():
        for cpu in ("", "host-model", "host-passthrough", "qemu64", "maximum"):
            spec = complete(nested(cpu=cpu), offer, caps)
            for one in conditions(spec, offer, caps):
                assert one.met or one.why
                assert one.met is not False or one.remedy


def test_completing_chooses_a_cpu_that_nests() -> None:
    assert complete(nested(), DESKTOP, x86_caps()).machine.cpu == "host-passthrough"
    caps = HOSTS["session"][1]
    assert complete(nested(), SESSION, caps).machine.cpu == "maximum"
    without = caps._replace(cpu_modes=())
    assert complete(nested(), SESSION, without).machine.cpu == "qemu64"
    assert met(nested(), SESSION, without)["cpu-mode"]


def test_features_are_the_vendors() -> None:
    assert feature(DESKTOP) == "vmx"
    assert feature(AMD) == "svm"
    assert feature(DESKTOP, "qemu") == "svm"
    assert feature(OTHER) == ""


OTHER = DESKTOP._replace(
    nesting=NestingFacts(), capabilities=DESKTOP.capabilities._replace(cpu_vendor="")
)


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (DESKTOP, "with its own guests running, to hosts with Linux 5.3"),
        (
            DESKTOP._replace(nesting=DESKTOP.nesting._replace(kernel="4.19.0-21-amd64")),
            "not while its own guests run; that needs Linux 5.3",
        ),
        (DESKTOP._replace(qemu_version=4_001_000), "not while its own guests run; that needs"),
        (AMD, "not while its own guests run; on AMD"),
        (OTHER, "not everywhere"),
    ],
)
def test_migration_by_vendor_and_kernel(offer: HostOffer, words: str) -> None:
    spec = complete(nested(), offer, x86_caps())
    assert words in costs(spec, offer)[0]


def test_tcg_costs_nothing_but_speed() -> None:
    spec = complete(nested(), SESSION, HOSTS["session"][1])
    assert len(costs(spec, SESSION)) == 1
    assert "SVM" in costs(spec, SESSION)[0]


def test_depths() -> None:
    assert "no guest" in depth_words(DESKTOP)
    assert "depth 3" in depth_words(SESSION)
    assert "not known" in depth_words(ARM)


def test_the_line_for_the_inside() -> None:
    assert "/dev/kvm" in inside_check()
    assert inside_check(WINDOWS11).startswith("powershell")
