"""Giving devices of a host's to one of its guests: what stops, what is accepted, what is typed."""

from __future__ import annotations

import pytest

from tests.support.offers import (
    DESKTOP,
    DEVICES,
    GIB_KIB,
    GPU,
    GPU_AUDIO,
    LEFT_ALONE,
    MDEV,
    NIC,
    NVME,
    SESSION,
    USB_KEY,
    USB_STICK_A,
    VF,
)
from tuivm.domainxml.nodedevs import Named
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import When
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.attaching import (
    Attachment,
    Target,
    accept_key,
    check_attach,
    read_target,
    refusals,
)
from tuivm.preflight.memlock import lock_of

WEB = Target(
    name="web",
    running=True,
    virt_type="kvm",
    arch="x86_64",
    machine="q35",
    uefi=True,
    memory_kib=4 * GIB_KIB,
    free_ports=2,
)
OFF = WEB._replace(name="debian12", running=False, free_ports=None)


def passed(*devices: HostDevice) -> tuple[Passed, ...]:
    kinds = {"pci": PassKind.PCI, "usb": PassKind.USB, "mdev": PassKind.MDEV, "scsi": PassKind.SCSI}
    return tuple(
        Passed(kinds[one.kind], one.ids if one.kind == "usb" else one.address) for one in devices
    )


def with_devices(*devices: HostDevice, offer: HostOffer = DESKTOP) -> HostOffer:
    changed = {device.address for device in devices}
    kept = [device for device in DEVICES if device.address not in changed]
    return offer._replace(devices=(*kept, *devices))


def attach(
    *devices: HostDevice,
    target: Target = WEB,
    when: When = When.BOTH,
    offer: HostOffer | None = None,
) -> Attachment:
    return check_attach(passed(*devices), offer or with_devices(*devices), target, when)


def ids(attachment: Attachment) -> dict[str, Severity]:
    return {one.id: one.severity for one in attachment.findings}


def errors(attachment: Attachment) -> set[str]:
    return {one.id for one in attachment.findings if one.severity is Severity.ERROR}


def only(attachment: Attachment, id_: str) -> Finding:
    (found,) = [one for one in attachment.findings if one.id == id_]
    return found


def test_a_free_device_waits_for_its_warnings_to_be_accepted_one_by_one() -> None:
    found = attach(LEFT_ALONE)
    assert found.devices == (LEFT_ALONE,)
    assert not errors(found)
    stops = refusals(found, (), ())
    assert {one.id for one in stops} == {"attach-migration", "attach-memory"}
    first = {accept_key(stops[0])}
    assert [one.id for one in refusals(found, first, ())] == [stops[1].id]
    assert not refusals(found, {accept_key(one) for one in stops}, ())


def test_a_warning_that_says_more_than_before_is_not_accepted() -> None:
    guests = (*DESKTOP.guests, ("old", "33333333-3333-4333-8333-333333333333", False))
    one = LEFT_ALONE._replace(used_by=("guest debian12 (off)",))
    two = LEFT_ALONE._replace(used_by=("guest debian12 (off)", "guest old (off)"))
    before = attach(one, offer=with_devices(one)._replace(guests=guests))
    accepted = {accept_key(one) for one in before.findings}
    assert not refusals(before, accepted, ())
    after = attach(two, offer=with_devices(two)._replace(guests=guests))
    assert not errors(after)
    assert [one.id for one in refusals(after, accepted, ())] == ["pass-used"]


def test_what_is_not_known_is_typed_by_those_who_looked() -> None:
    found = attach(LEFT_ALONE._replace(unknown=("what is mounted: findmnt",)))
    accepted = {accept_key(one) for one in found.findings}
    assert [one.id for one in refusals(found, accepted, ())] == ["pass-unknown"]
    assert only(found, "pass-unknown").remedy.endswith("findmnt")
    assert not refusals(found, accepted, {LEFT_ALONE.address})


def test_one_of_a_group_is_refused_and_all_of_it_is_not() -> None:
    alone = attach(GPU)
    assert ids(attach(GPU))["pass-group"] is Severity.ERROR
    assert "0000:01:00.1" in only(alone, "pass-group").what
    assert "ACS" in only(alone, "pass-group").why
    assert not alone.overrides
    assert "pass-group" not in ids(attach(GPU, GPU_AUDIO))


def test_the_rest_of_the_group_may_be_the_guests_already() -> None:
    audio = GPU_AUDIO._replace(driver="vfio-pci", used_by=("guest web",))
    has = WEB._replace(named=(Named(pci=audio.address),))
    assert not errors(attach(GPU, target=has, offer=with_devices(GPU, audio)))
    assert "pass-used" in errors(attach(GPU, target=OFF, offer=with_devices(GPU, audio)))


def test_the_rest_of_the_group_may_be_in_what_a_running_guest_starts_with_next() -> None:
    later = WEB._replace(defined=(Named(pci=GPU_AUDIO.address),))
    both = with_devices(GPU, GPU_AUDIO)
    assert "pass-group" not in ids(attach(GPU, target=later, when=When.NEXT_BOOT, offer=both))
    # Now the host has it still.
    assert "pass-group" in errors(attach(GPU, target=later, when=When.NOW, offer=both))
    assert "pass-group" in errors(attach(GPU, target=later, when=When.BOTH, offer=both))


def test_a_guest_whose_name_says_that_it_is_off_is_another_one() -> None:
    used = VF._replace(used_by=("guest web (off)",))
    offer = with_devices(used)
    assert "pass-used" not in ids(attach(used, offer=offer))
    named_so = offer._replace(guests=(("web", "1", False), ("web (off)", "2", True)))
    assert "pass-used" in errors(attach(used, offer=named_so))


def test_a_command_quotes_the_name_of_a_guest() -> None:
    short = WEB._replace(name="my web; x", hard_limit_kib=GIB_KIB)
    remedy = only(attach(VF, target=short), "attach-hard-limit").remedy
    assert remedy.startswith("virsh memtune 'my web; x' --hard-limit ")


def test_what_is_critical_is_typed_where_it_may_be() -> None:
    carries = NIC._replace(overridable=NIC.critical, virtual_functions=())
    found = attach(carries)
    assert found.overrides == (NIC.address,)
    assert "pass-critical" in {one.id for one in refusals(found, (), ())}
    accepted = {accept_key(one) for one in found.findings}
    assert not refusals(found, accepted, {NIC.address})
    assert refusals(found, accepted, {"0000:09:00.0"})
    # A file system is nothing that anybody does without.
    assert not attach(NVME).overrides
    assert refusals(attach(NVME), accepted, {NVME.address})


def test_nobody_types_past_a_running_guest() -> None:
    both = LEFT_ALONE._replace(
        critical=("it carries this connection (eth1)",),
        overridable=("it carries this connection (eth1)", "guest db"),
        used_by=("guest db",),
    )
    found = attach(both)
    assert not found.overrides
    assert refusals(found, (), {both.address})


def test_a_use_by_the_host_itself_may_be_typed_past_where_it_says_so() -> None:
    up = LEFT_ALONE._replace(used_by=("interface eth1 is up",))
    assert not attach(up).overrides
    assert attach(up._replace(overridable=up.used_by)).overrides == (up.address,)


def test_what_is_wrong_with_the_guest_is_not_typed_away() -> None:
    carries = NIC._replace(overridable=NIC.critical, virtual_functions=())
    found = attach(carries, target=WEB._replace(free_ports=0))
    assert "attach-ports" in {one.id for one in refusals(found, (), {NIC.address})}


@pytest.mark.parametrize(
    ("target", "when", "id_"),
    [
        (OFF, When.NOW, "attach-off"),
        (WEB._replace(persistent=False), When.BOTH, "attach-transient"),
        (WEB._replace(persistent=False), When.NEXT_BOOT, "attach-transient"),
        (WEB._replace(free_ports=0), When.NOW, "attach-ports"),
        (WEB._replace(machine="microvm"), When.BOTH, "attach-no-pci"),
        (WEB._replace(viommu="intel"), When.BOTH, "attach-caching-mode"),
        (WEB._replace(hard_limit_kib=3 * GIB_KIB), When.BOTH, "attach-hard-limit"),
        (WEB._replace(memory_kib=17 * GIB_KIB), When.BOTH, "attach-memory-over"),
        (WEB._replace(named=(Named(pci=VF.address),)), When.NOW, "attach-has"),
        (WEB._replace(defined=(Named(pci=VF.address),)), When.BOTH, "attach-has"),
    ],
)
def test_what_stops(target: Target, when: When, id_: str) -> None:
    found = attach(VF, target=target, when=when)
    assert id_ in errors(found)
    assert id_ not in errors(attach(VF))
    one = only(found, id_)
    assert one.remedy
    assert "  " not in one.what + one.why + one.remedy


@pytest.mark.parametrize(
    ("target", "when"),
    [
        (WEB._replace(free_ports=0), When.NEXT_BOOT),
        (WEB._replace(persistent=False), When.NOW),
        (OFF, When.NEXT_BOOT),
        (OFF, When.BOTH),
        (WEB._replace(viommu="intel", caching_mode=True), When.BOTH),
        (WEB._replace(defined=(Named(pci=VF.address),)), When.NOW),
    ],
)
def test_what_does_not_stop(target: Target, when: When) -> None:
    assert not errors(attach(VF, target=target, when=when))


@pytest.mark.parametrize(
    ("device", "target", "id_"),
    [
        (VF, WEB._replace(machine="i440fx"), "attach-i440fx"),
        (VF, WEB._replace(hard_limit_kib=4 * GIB_KIB + 1), "attach-hard-limit"),
        (VF, WEB._replace(memory_kib=11 * GIB_KIB), "attach-memory-short"),
        (VF._replace(numa_node=1), WEB._replace(numa_nodes=(0,)), "attach-numa"),
        (VF, WEB._replace(viommu="smmuv3", caching_mode=True), "attach-viommu"),
        (VF._replace(resets=()), WEB, "pass-reset"),
        (VF._replace(used_by=("guest debian12 (off)",)), WEB, "pass-used"),
        (NIC._replace(critical=()), WEB, "pass-functions"),
    ],
)
def test_what_is_warned_of(device: HostDevice, target: Target, id_: str) -> None:
    assert ids(attach(device, target=target))[id_] is Severity.WARNING
    assert id_ not in ids(attach(VF))


def test_a_gpu_wants_uefi_a_rom_and_at_times_no_hypervisor() -> None:
    bios = attach(GPU, GPU_AUDIO, target=WEB._replace(uefi=False))
    assert ids(bios)["gpu-uefi"] is Severity.WARNING
    assert {"gpu-rom", "gpu-hidden"} <= set(ids(bios))
    assert "hide the hypervisor and another vendor id" in only(bios, "gpu-hidden").remedy
    done = attach(GPU, GPU_AUDIO, target=WEB._replace(hidden=True, vendor_id="none"))
    assert not {"gpu-uefi", "gpu-hidden"} & set(ids(done))
    assert not {"gpu-uefi", "gpu-rom", "gpu-hidden"} & set(ids(attach(VF)))


def test_a_usb_device_costs_no_memory_and_needs_a_controller() -> None:
    found = attach(USB_KEY)
    assert not found.findings
    assert errors(attach(USB_KEY, target=WEB._replace(usb=False))) == {"attach-usb"}
    assert "usb-session" in ids(attach(USB_KEY, offer=SESSION._replace(devices=(USB_KEY,))))


def test_what_is_not_one_device() -> None:
    assert "usb-alike" in errors(attach(USB_STICK_A))
    gone = check_attach((Passed(PassKind.PCI, "0000:77:00.0"),), DESKTOP, WEB, When.BOTH)
    assert errors(gone) == {"pass-gone"}
    twice = (Passed(PassKind.USB, USB_KEY.ids), Passed(PassKind.USB_PORT, USB_KEY.address))
    assert "pass-twice" in errors(check_attach(twice, DESKTOP, WEB, When.BOTH))


def test_a_guest_that_locks_its_memory_already_is_not_warned_again() -> None:
    has = WEB._replace(vfio=1, named=(Named(pci="0000:09:00.0"),))
    found = ids(attach(VF, target=has))
    assert "attach-memory" not in found
    assert found["attach-migration"] is Severity.NOTE


def test_memory_in_huge_pages_is_locked_as_it_is() -> None:
    found = ids(attach(VF, target=WEB._replace(hugepages=True, memory_kib=12 * GIB_KIB)))
    assert found["attach-memory"] is Severity.NOTE
    assert "attach-memory-short" not in found


def test_what_is_free_on_the_host_may_be_unknown() -> None:
    silent = DESKTOP._replace(memory_kib=0, memory_free_kib=0)
    found = attach(VF, offer=silent)
    assert "not known: check with `free -h`" in only(found, "attach-memory").why


def test_mediated_devices_of_an_ordinary_user_need_a_limit() -> None:
    offer = SESSION._replace(devices=(MDEV,), memory_free_kib=8 * GIB_KIB)
    found = attach(MDEV, offer=offer)
    assert "5 GiB" in only(found, "attach-ulimit").what
    assert f"memlock {5 * GIB_KIB}" in only(found, "attach-ulimit").remedy


@pytest.mark.parametrize(
    ("target", "more", "limit", "words"),
    [
        (WEB, 1, 5 * GIB_KIB, "4 GiB of memory + 1 GiB for mapped registers = 5 GiB"),
        (WEB, 3, 5 * GIB_KIB, "4 GiB of memory + 1 GiB for mapped registers = 5 GiB"),
        (
            WEB._replace(viommu="intel", vfio=1),
            2,
            13 * GIB_KIB,
            "3 devices x 4 GiB of memory + 1 GiB for mapped registers = 13 GiB",
        ),
        (
            WEB._replace(hard_limit_kib=6 * GIB_KIB),
            1,
            6 * GIB_KIB,
            "4 GiB of memory, hard_limit 6 GiB",
        ),
        (
            WEB._replace(memory_locked=True),
            1,
            None,
            "4 GiB of memory, and no limit, as <locked/> says",
        ),
    ],
)
def test_how_much_may_be_locked(target: Target, more: int, limit: int | None, words: str) -> None:
    lock = lock_of(target, more)
    assert (lock.limit_kib, lock.words) == (limit, words)


XML = """<domain type='kvm' id='3'>
  <name>web</name>
  <memory unit='GiB'>4</memory>
  <memtune><hard_limit unit='GiB'>6</hard_limit></memtune>
  <memoryBacking><hugepages/><locked/></memoryBacking>
  <numatune><memory nodeset='0-1,^0'/></numatune>
  <os firmware='efi'><type arch='x86_64' machine='pc-q35-8.2'>hvm</type></os>
  <features>
    <kvm><hidden state='on'/></kvm>
    <hyperv><vendor_id state='on' value='none'/></hyperv>
  </features>
  <devices>
    <controller type='usb' model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'>
      <address type='pci' domain='0' bus='0' slot='2' function='0'/>
    </controller>
    <controller type='pci' index='2' model='pcie-root-port'>
      <address type='pci' domain='0' bus='0' slot='2' function='1'/>
    </controller>
    <controller type='pci' index='3' model='pcie-root-port'>
      <address type='pci' domain='0' bus='0' slot='2' function='2'/>
    </controller>
    <interface type='hostdev'>
      <source><address type='pci' domain='0' bus='3' slot='0x10' function='0'/></source>
      <address type='pci' domain='0' bus='1' slot='0' function='0'/>
    </interface>
    <iommu model='intel'><driver caching_mode='on'/></iommu>
  </devices>
</domain>"""


def test_a_target_is_read_from_a_definition() -> None:
    assert read_target(XML, running=True) == Target(
        name="web",
        running=True,
        virt_type="kvm",
        arch="x86_64",
        machine="q35",
        uefi=True,
        memory_kib=4 * GIB_KIB,
        hard_limit_kib=6 * GIB_KIB,
        memory_locked=True,
        hugepages=True,
        numa_nodes=(1,),
        named=(Named(pci="0000:03:10.0"),),
        defined=(Named(pci="0000:03:10.0"),),
        vfio=1,
        free_ports=2,
        usb=False,
        hidden=True,
        vendor_id="none",
        viommu="intel",
        caching_mode=True,
    )


@pytest.mark.parametrize(
    ("machine", "family"),
    [
        ("pc", "i440fx"),
        ("pc-i440fx-8.2", "i440fx"),
        ("pc-0.12", "i440fx"),
        ("q35", "q35"),
        ("pc-q35-rhel9.4.0", "q35"),
        ("virt-8.2", "virt"),
        ("pseries-8.2", "pseries"),
        ("s390-ccw-virtio-8.2", "s390-ccw-virtio"),
        ("", ""),
        ("raspi3b", "raspi3b"),
    ],
)
def test_the_family_of_a_machine(machine: str, family: str) -> None:
    xml = f"<domain><os><type machine='{machine}'>hvm</type></os></domain>"
    assert read_target(xml, running=False).machine == family


def test_the_two_definitions_of_a_running_guest() -> None:
    empty = "<domain><name>web</name></domain>"
    found = read_target(empty, running=True, definition=XML)
    assert found.named == ()
    assert found.defined == (Named(pci="0000:03:10.0"),)


def test_no_limit_and_no_ports_are_not_known_as_none() -> None:
    xml = (
        "<domain><memory>1048576</memory><memtune><hard_limit>9007199254740991</hard_limit>"
        "</memtune><os><type machine='q35'/></os><devices/></domain>"
    )
    found = read_target(xml, running=False)
    assert (found.hard_limit_kib, found.free_ports, found.memory_kib) == (None, None, GIB_KIB)
