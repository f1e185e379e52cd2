"""What goes wrong with a guest: starting it, and acting on it. As `remedy_rules`."""

from __future__ import annotations

from tuivm.preflight.remedy_rules import rule

GUEST_RULES = (
    rule(
        r"could not find capabilities for .*domaintype=kvm|does not support virt type 'kvm'|"
        r"could not access kvm kernel module|failed to initialize kvm|"
        r"requires kvm, but it is not available|/dev/kvm",
        "KVM does not work there: no CPU extensions, no kvm module, or no right to /dev/kvm",
        "tuivm check says which; without KVM a guest runs translated: <domain type='qemu'>",
    ),
    rule(
        r"does not support virt type '(?P<type>\w+)'|domaintype=(?P<other>\w+)",
        "the host has no hypervisor of that type",
        "virsh domcapabilities shows what it has; change type= of <domain>",
    ),
    rule(
        r"cannot check qemu binary (?P<binary>\S+): no such file|no emulator found for|"
        r"cannot find suitable emulator|failed to stat qemu binary|qemu binary \S+ is not exec",
        "the VMM that the guest names is not installed on the host",
        "install qemu-system on the host, or change <emulator>",
    ),
    rule(
        r"cannot access storage file '(?P<file>[^']*)'.*permission denied|"
        r"could not open '(?P<image>[^']*)': permission denied",
        "QEMU's user may not read {file}{image}: the file, or a directory above it, or SELinux or "
        "AppArmor says no",
        "move it to /var/lib/libvirt/images, or let QEMU's user through: "
        "sudo setfacl -m u:libvirt-qemu:x DIRECTORY for each directory above it",
    ),
    rule(
        r"cannot access storage file '(?P<file>[^']*)'.*no such file|"
        r"could not open '(?P<image>[^']*)': no such file",
        "{file}{image} is not there: moved, deleted, or its disk is not mounted",
        "bring it back, start its pool (virsh pool-start POOL), or change the disk's source",
    ),
    rule(
        r"failed to get \"?(?P<lock>write|shared \"write\"|consistent read)\"? lock|"
        r"is another process using the image",
        "another guest or process has the disk image open",
        "shut the other one down; sudo lsof FILE or virsh domblklist tells who; never share an "
        "image that is not marked shareable",
    ),
    rule(
        r"network '(?P<network>[^']*)' is not active",
        "the virtual network {network} is off",
        "virsh net-start {network}; virsh net-autostart {network}",
    ),
    rule(
        r"no network with matching name '(?P<network>[^']*)'",
        "the host has no network called {network}",
        "virsh net-list --all shows those it has; change the NIC's source",
    ),
    rule(
        r"cannot (set up guest memory|allocate memory)|unable to allocate memory|out of memory",
        "the host has not enough free memory for this guest",
        "shut another guest down, or give this one less memory",
    ),
    rule(
        r"unable to find any firmware|could not load .*(ovmf|aavmf|edk2)|"
        r"failed to open file '[^']*(_vars|_code)[^']*'",
        "the firmware that the guest asks for is not on the host",
        "install ovmf (Debian, Ubuntu) or edk2-ovmf on the host",
    ),
    rule(
        r"load of migration failed|error while loading state|while loading vm state|"
        r"job 'restore' failed|failed to read qemu header|image magic is incorrect",
        "the saved state does not fit this host any more (another QEMU, machine type or CPU)",
        "discard it and boot afresh: virsh managedsave-remove {domain}; what was in memory is lost",
    ),
    rule(
        r"unsupported machine type|does not support machine type",
        "the host's QEMU does not have this machine type: it is older or newer than the guest's",
        "virsh capabilities lists those it has; change machine= of <type>",
    ),
    rule(
        r"cpu is incompatible with host cpu|guest cpu doesn't match specification|"
        r"host cpu does not provide required features",
        "the host's CPU has not all that the guest's CPU model asks for",
        "<cpu mode='host-model'/>, or a smaller model",
    ),
    rule(
        r"guest agent is not configured",
        "the guest has no agent channel",
        "add a channel org.qemu.guest_agent.0 and run qemu-guest-agent inside; until then shut "
        "down by ACPI",
    ),
    rule(
        r"guest agent is not (connected|responding|available)|guest agent not available|"
        r"end of file from agent",
        "nothing answers on the agent channel: qemu-guest-agent is not running in the guest, or "
        "hangs",
        "in the guest: systemctl start qemu-guest-agent; until then shut down by ACPI",
    ),
    rule(
        r"cannot acquire state change lock(?: \(held by (?P<holder>[^)]*)\))?",
        "another job holds this guest (a migration, a save, or a VMM that does not answer)",
        "wait for it; virsh domjobinfo {domain} shows it, virsh domjobabort {domain} ends it",
    ),
    rule(
        r"domain is not running|'[^']*' is not running|domain is not active|domain not running",
        "the guest is not running",
        "start it first (or resume it, if it is paused)",
    ),
    rule(
        r"(domain|vm) is already (running|active)|domain '[^']*' is already active",
        "the guest is running already",
        "nothing to do",
    ),
    rule(
        r"cannot undefine domain with nvram",
        "the guest has UEFI variables, and they were not to go",
        "virsh undefine --nvram {domain}; tuivm's delete does it",
    ),
    rule(
        r"cannot (delete|undefine).*(?P<count>\d+) (?P<kind>snapshots|checkpoints)",
        "the guest has {count} {kind}",
        "virsh undefine --snapshots-metadata --checkpoints-metadata {domain}; tuivm's delete does "
        "it",
    ),
    rule(
        r"refusing to undefine while domain managed save|managed saved? (state|image)",
        "the guest has a managed save",
        "restore it by starting the guest, or discard it: virsh managedsave-remove {domain}",
    ),
    rule(
        r"cannot rename active domain",
        "a running guest cannot be renamed",
        "shut it down first",
    ),
    rule(
        r"domain '(?P<name>[^']*)' already exists|domain with name '(?P<other>[^']*)' already",
        "the host has a guest called {name}{other} already",
        "take another name",
    ),
    rule(
        r"cannot (save|do managed save).*transient|cannot do managed save for transient",
        "a transient guest has no definition to come back to",
        "virsh save {domain} FILE keeps it in a file of its own",
    ),
    rule(
        r"state blocked by non-migratable|domain has assigned non-usb|migration with .* is not "
        r"supported|cannot migrate (this )?domain",
        "a device of the guest cannot be saved or moved (a host device, a file system share …)",
        "detach it first, or shut the guest down instead",
    ),
    rule(
        r"no space left on device|disk quota exceeded",
        "the host's disk is full",
        "make room where the message points, then try again",
    ),
    rule(
        r"domain not found|no domain with (matching|id)",
        "the guest is gone: undefined, or transient and off",
        "nothing to do: the list will show it",
    ),
    rule(
        r"unsupported flags \(0x[0-9a-f]+\) in function \w*(shutdown|reboot)",
        "this host's driver cannot shut down in that way",
        "choose another way: ACPI or default",
    ),
    rule(
        r"not supported by the connection driver|unsupported flags|"
        r"this function is not supported|operation not supported|call to virdomain\w+",
        "the driver of this host cannot do that",
        "use a host whose driver can; virsh -c URI version tells which it is",
    ),
    rule(
        r"timed out during operation|timeout",
        "the daemon or the VMM did not answer in time",
        "see whether the host is overloaded, then try again",
    ),
)
