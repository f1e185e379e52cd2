"""What a guest is, read from its domain XML."""

from __future__ import annotations

import re

from tuivm.domainxml.classify import devices_of
from tuivm.domainxml.parse import (
    Element,
    Platform,
    attr,
    child_attr,
    number,
    parse_domain,
    platform_of,
    size_kib,
    text,
)
from tuivm.model.guests import GuestDetails, GuestStack

AGENT_CHANNEL = "org.qemu.guest_agent.0"
_LIBOSINFO = "{http://libosinfo.org/xmlns/libvirt/domain/1.0}"
_UEFI_PATH = re.compile(r"ovmf|aavmf|edk2|uefi|efi", re.IGNORECASE)


def read_details(xml: str) -> GuestDetails:
    """The details of a guest from its live or inactive XML.

    Memory in KiB. A number that is missing or is none reads as 0. Raises ValueError for
    anything that is not a domain definition.
    """
    domain = parse_domain(xml)
    platform = platform_of(domain)
    vcpu = domain.find("vcpu")
    vcpus_max = number(vcpu.text or "") if vcpu is not None else None
    vcpus = number(attr(vcpu, "current"))
    memory_max = size_kib(domain.find("memory")) or 0
    memory = size_kib(domain.find("currentMemory"))
    agent = _agent_target(domain)
    return GuestDetails(
        title=text(domain, "title"),
        description=text(domain, "description"),
        vcpus=(vcpus_max or 0) if vcpus is None else vcpus,
        vcpus_max=vcpus_max or 0,
        memory_kib=memory_max if memory is None else memory,
        memory_max_kib=memory_max,
        stack=GuestStack(
            virt_type=platform.virt_type,
            arch=platform.arch,
            machine=platform.machine,
            firmware=_firmware(domain, platform),
            emulator=text(domain, "devices/emulator"),
            cpu=_cpu(domain),
            os_id=_os_id(domain),
        ),
        devices=devices_of(domain),
        agent_channel=agent is not None,
        agent_connected=attr(agent, "state") == "connected",
    )


def _agent_target(domain: Element) -> Element | None:
    for target in domain.iterfind("devices/channel/target"):
        if target.get("name") == AGENT_CHANNEL:
            return target
    return None


def _cpu(domain: Element) -> str:
    cpu = domain.find("cpu")
    if cpu is None:
        return ""
    mode = attr(cpu, "mode")
    return mode if mode and mode != "custom" else text(cpu, "model")


def _os_id(domain: Element) -> str:
    return child_attr(domain, f"metadata/{_LIBOSINFO}libosinfo/{_LIBOSINFO}os", "id")


def _firmware(domain: Element, platform: Platform) -> str:
    """What starts the guest; see GuestStack.firmware for the words."""
    if platform.container:
        return ""
    if domain.find("os/kernel") is not None:
        return "direct kernel boot"
    if is_uefi(domain):
        return "UEFI, Secure Boot" if _secure_boot(domain) else "UEFI"
    plain_bios = platform.x86 and not platform.xen_pv
    return "BIOS" if plain_bios or child_attr(domain, "os", "firmware") == "bios" else ""


def is_uefi(domain: Element) -> bool:
    asked = child_attr(domain, "os", "firmware")
    if asked:
        return asked == "efi"
    if child_attr(domain, "os/loader", "type") == "pflash":
        return True
    return bool(_UEFI_PATH.search(text(domain, "os/loader").rpartition("/")[2]))


def _secure_boot(domain: Element) -> bool:
    """On when asked for, unless no keys are enrolled: a firmware without keys checks nothing."""
    features = {
        feature.get("name", ""): feature.get("enabled", "")
        for feature in domain.iterfind("os/firmware/feature")
    }
    if features.get("enrolled-keys") == "no":
        return False
    if "secure-boot" in features:
        return features["secure-boot"] == "yes"
    return child_attr(domain, "os/loader", "secure") == "yes"
