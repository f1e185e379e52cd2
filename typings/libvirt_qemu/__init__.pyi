"""Types of libvirt-python's calls for QEMU alone, as far as tuivm uses them."""

import libvirt

def qemuAgentCommand(domain: libvirt.virDomain, cmd: str, timeout: int, flags: int) -> str: ...
def qemuMonitorCommand(domain: libvirt.virDomain, cmd: str, flags: int) -> str: ...

VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP: int
