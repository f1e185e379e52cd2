"""A store whose history is filled by hand, for tests of comparisons."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tuivm.model.comparison import DeviceRef
from tuivm.model.devices import Backing, Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestStack, GuestState
from tuivm.model.history import SeriesKey
from tuivm.model.hosts import HostSpec, HostState
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import Store

END = 10_000.0
WEB, DB = GuestKey("local", "uuid-web"), GuestKey("local", "uuid-db")
BACKING = Backing(kind="file", format="qcow2", cache="none", io="native")
Value = float | Callable[[int], float]


def disk(target: str, cls: DeviceClass, model: str = "", **changes: object) -> Device:
    made = Device(DeviceKind.DISK, cls, model or target, target, counted=True, backing=BACKING)
    return made._replace(**changes)  # type: ignore[arg-type]


VDA = disk("vda", DeviceClass.PARAVIRTUAL, "virtio-blk")
VDB = disk("vdb", DeviceClass.PARAVIRTUAL, "virtio-blk")
HDA = disk("hda", DeviceClass.EMULATED, "ide-hd")
NIC = Device(
    DeviceKind.NIC,
    DeviceClass.PARAVIRTUAL,
    "virtio-net",
    "vnet0",
    counted=True,
    mac="52:54:00:00:00:01",
    backing=Backing(kind="bridge", vhost="on"),
)
VF = Device(DeviceKind.NIC, DeviceClass.PHYSICAL, "vfio-pci", "hostdev0", note="VF, partitioned")


def guest(key: GuestKey, name: str, devices: Sequence[Device], **changes: object) -> Guest:
    details = GuestDetails(
        vcpus=2, stack=GuestStack(virt_type="kvm"), devices=tuple(devices), memory_kib=1024
    )
    made = Guest(key, name, GuestState.RUNNING, details=details)
    return made._replace(**changes)  # type: ignore[arg-type]


def store_of(*guests: Guest, interval: float = 1.0) -> Store:
    """Guests, each on the host its key names."""
    store = Store()
    for host in dict.fromkeys(one.key.host for one in guests):
        store.add_host(HostSpec(host, f"qemu+ssh://{host}/system"))
        mine = {one.key.uuid: one for one in guests if one.key.host == host}
        store.apply(HostSnapshot(host, END, HostState.UP, 1, guests=mine, interval=interval))
    return store


def pair() -> Store:
    """web has an IDE disk, db a virtio one; both under KVM on one host, nothing measured yet."""
    return store_of(guest(WEB, "web", [HDA]), guest(DB, "db", [VDA]))


def ref(key: GuestKey, device: Device) -> DeviceRef:
    return DeviceRef(key, device.kind, device.target)


WEB_HDA, DB_VDA = ref(WEB, HDA), ref(DB, VDA)


def fill(store: Store, key: SeriesKey, value: Value, seconds: range = range(60)) -> None:
    """One value a second; seconds: ago, 0 is the newest one."""
    for ago in sorted(seconds, reverse=True):
        at = END - ago
        store.history.push(key, at, value(int(at)) if callable(value) else value)


def work(
    store: Store,
    of: DeviceRef,
    *,
    reads: Value = 100.0,
    writes: Value = 0.0,
    size: float = 4096.0,
    latency: float | None = 200_000.0,
    seconds: range = range(60),
) -> None:
    """What a disk does: reads a second of `size` bytes, and writes of nothing."""

    def bytes_of(at: int) -> float:
        return size * (reads(at) if callable(reads) else reads)

    kind = "disk" if of.kind is DeviceKind.DISK else "net"
    names = ("read", "write", "reads", "writes")
    if kind == "net":
        names = ("rx", "tx", "rx_pkts", "tx_pkts")
    for name, value in zip(names, (bytes_of, 0.0, reads, writes), strict=True):
        fill(store, SeriesKey(of.guest, f"{kind}.{name}", of.target), value, seconds)
    if latency is not None and kind == "disk":
        fill(store, SeriesKey(of.guest, "disk.read_ns", of.target), latency, seconds)


def cost(
    store: Store,
    of: GuestKey,
    cls: DeviceClass,
    *,
    exits: Value = 26.0,
    seconds: range = range(60),
) -> None:
    fill(store, SeriesKey(of, "io.exits", cls.value), exits, seconds)
    fill(store, SeriesKey(of, "io.cpu", cls.value), 9_000.0, seconds)
