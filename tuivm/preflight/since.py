"""From which libvirt and QEMU a device or setting is to be had, for what is offered and checked."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.offers import HostOffer


class Since(NamedTuple):
    """Versions as libvirt counts them: major * 1,000,000 + minor * 1,000 + release."""

    libvirt: int
    qemu: int


IGB = Since(9_003_000, 8_000_000)
"""formatdomain, "model"."""
IO_URING = Since(6_003_000, 5_000_000)
"""formatdomain, "driver"."""
VIRTIO_IOMMU = Since(8_003_000, 6_002_000)
"""formatdomain, "IOMMU devices"."""


def too_old(offer: HostOffer, since: Since) -> bool:
    """A version that is not known is no reason to refuse."""
    return 0 < offer.libvirt_version < since.libvirt or 0 < offer.qemu_version < since.qemu
