"""Types of libvirt-python's calls for QEMU alone, as far as tuivm uses them."""

import libvirt

def qemuAgentCommand(domain: libvirt.virDomain, cmd: str, timeout: int, flags: int) -> str: ...
