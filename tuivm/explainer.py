"""`explain`: finds out what is highlighted, gets its XML from its host, and shows both."""

from __future__ import annotations

import asyncio
from functools import partial

from tuivm.commands.base import Desk, Place
from tuivm.devicedesk import said_if_slow
from tuivm.domainxml.excerpt import device_xml, layer_xml
from tuivm.model.deviceports import HostItem, MdevKind
from tuivm.model.devices import Device, DeviceClass
from tuivm.model.guests import Guest
from tuivm.model.ports import HostPort
from tuivm.model.store import GuestView
from tuivm.preflight.nested_inside import ASKING, inside_words, unknown_words, why_not_asked
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.explaining import (
    Explanation,
    explain_class,
    explain_device,
    explain_guest,
    explain_host,
    explain_layer,
    layer_tags,
)

_NESTS = frozenset({"kvm", "qemu", "hvf"})
"""Types whose guests are machines that an agent of QEMU's may be in."""


class Explainer:
    """Explains a part of a guest, a guest or a host: what the place has highlighted."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def explain(self, place: Place) -> None:
        targets = place.target_guests()
        status = place.target_host()
        item = place.explained() or place.target_item()
        if isinstance(item, Explanation):
            await self._explain_in_words(item, place.target_item())
        elif targets:
            await self._explain_guest(targets[0], item)
        elif status is not None:
            text, command = explain_host(status)
            await self._desk.ask(Explain(status.spec.name, text, "", command))
        else:
            self._desk.say("explain: nothing is highlighted", bad=True)

    async def _explain_in_words(self, item: Explanation, held: object) -> None:
        """held: what is highlighted; of a part of a host's, its XML is shown with the words."""
        host = self._desk.host(item.guest.host) if item.guest else None
        text, xml = item.text, item.xml
        if host is not None and item.guest is not None and item.device is not None:
            answer = await asyncio.wrap_future(host.domain_xml(item.guest.uuid))
            xml = device_xml(answer.text, item.device) if answer.text else ""
            if answer.problem is not None:
                text += f"\n{answer.problem.what}: {answer.problem.reason}"
        elif isinstance(held, HostItem) and not isinstance(held.item, MdevKind) and not xml:
            owner = self._desk.host(held.offer.host)
            if owner is not None:
                asked = asyncio.wrap_future(owner.devices().xml(held.item))
                answer = await said_if_slow(self._desk, asked, f"{held.offer.host}: asking for XML")
                xml = answer.text
                if answer.problem is not None:
                    text += f"\n{answer.problem.what}: {answer.problem.reason}"
        await self._desk.ask(Explain(item.title, text, xml, item.command))

    async def _explain_guest(self, view: GuestView, item: object) -> None:
        host = self._desk.host(view.key.host)
        if host is None:
            return
        text, command = explain_guest(view, host.spec)
        title = view.guest.label
        answer = await asyncio.wrap_future(host.domain_xml(view.key.uuid))
        xml = answer.text
        if isinstance(item, Device):
            title = f"{item.target or item.model or item.kind.value} of {view.guest.name}"
            text = explain_device(item)
            xml = device_xml(xml, item) if xml else ""
        elif isinstance(item, DeviceClass):
            title, text, xml = item.value, explain_class(item), ""
        elif isinstance(item, str) and (words := explain_layer(item)):
            title, text = item, words
            xml = layer_xml(xml, *layer_tags(item)) if xml else ""
        if answer.problem is not None:
            text += f"\n{answer.problem.what}: {answer.problem.reason}"
        dialog = Explain(title, text, xml, command)
        if item == "CPU" and view.guest.virt_type in _NESTS:
            if why := why_not_asked(view.guest):
                text += f"\n{unknown_words(view.guest, why)}"
                dialog = Explain(title, text, xml, command)
            else:
                # Not asked before: an agent may take seconds, and the dialog does not wait for it.
                late = partial(_told_inside, host, view.guest)
                dialog = Explain(title, text, xml, command, meanwhile=ASKING, late=late)
        await self._desk.ask(dialog)


async def _told_inside(host: HostPort, guest: Guest) -> str:
    """In words, when its agent has answered or was given up."""
    # Shielded: a dialog that is closed meanwhile does not take the question back half-way.
    inside = await asyncio.shield(asyncio.wrap_future(host.nested_inside(guest.key.uuid)))
    return inside_words(guest, inside)
