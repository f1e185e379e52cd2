"""From one sample of a guest to the next, group of statistics by group of statistics. Pure.

libvirt answers with what it can get without waiting (NOWAIT): while a guest's monitor is busy its
disk and memory figures are missing from a tick or two. They are then measured from the last sample
that had them, and shown a little longer, so that a busy guest does not flicker.
"""

from __future__ import annotations

from dataclasses import replace

from tuivm.model.rates import GuestRates, guest_rates
from tuivm.model.samples import GuestSample

HOLD = 5.0
"""Seconds that a figure missing from newer samples is still shown."""


class GuestMeter:
    """The last samples of one guest, and the rates between them."""

    __slots__ = ("_balloon", "_disks", "_newest", "_nics", "_rates")

    def __init__(self) -> None:
        self._newest: GuestSample | None = None
        self._balloon: GuestSample | None = None
        self._disks: GuestSample | None = None
        self._nics: GuestSample | None = None
        self._rates: GuestRates | None = None

    @property
    def newest(self) -> GuestSample | None:
        return self._newest

    def add(self, sample: GuestSample) -> GuestRates:
        """Rates up to this sample, which must be newer than the ones before."""
        rates = guest_rates(self._newest, sample)
        rates = self._with_disks(rates, sample)
        rates = self._with_nics(rates, sample)
        rates = self._with_memory(rates, sample)
        self._newest, self._rates = sample, rates
        return rates

    def _with_disks(self, rates: GuestRates, sample: GuestSample) -> GuestRates:
        before, held = self._disks, self._rates
        if sample.disks is None:
            if held is not None and _recent(before, sample):
                return replace(rates, disks=held.disks)
            return rates
        self._disks = sample
        if before is None or before is self._newest:
            return rates
        since = guest_rates(before, sample)
        return replace(rates, disks=since.disks, disk_span=since.disk_span)

    def _with_nics(self, rates: GuestRates, sample: GuestSample) -> GuestRates:
        before, held = self._nics, self._rates
        if sample.nics is None:
            if held is not None and _recent(before, sample):
                return replace(rates, nics=held.nics)
            return rates
        self._nics = sample
        if before is None or before is self._newest:
            return rates
        since = guest_rates(before, sample)
        return replace(rates, nics=since.nics, nic_span=since.nic_span)

    def _with_memory(self, rates: GuestRates, sample: GuestSample) -> GuestRates:
        held = self._rates
        if rates.memory_kib is not None:
            self._balloon = sample
        elif held is not None and _recent(self._balloon, sample):
            return replace(
                rates,
                memory_kib=held.memory_kib,
                memory_total_kib=held.memory_total_kib,
                memory_source=held.memory_source,
            )
        return rates


def _recent(before: GuestSample | None, sample: GuestSample) -> bool:
    return before is not None and sample.at - before.at <= HOLD
