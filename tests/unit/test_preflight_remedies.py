"""Real messages of libvirt, QEMU and ssh, and whether what tuivm says to them helps."""

import re

import pytest

from tuivm.preflight.remedies import explain
from tuivm.preflight.remedy_rules import CONNECTION_RULES
from tuivm.preflight.remedy_rules_devices import DEVICE_RULES
from tuivm.preflight.remedy_rules_guest import GUEST_RULES

SYSTEM = "qemu:///system"
SSH = "qemu+ssh://root@rack7:2222/system"
TLS = "qemu+tls://rack7/system"

# Each as virsh printed it; uri; words in the cause; words in the remedy.
CASES = [
    # the daemon
    (
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
        SYSTEM, "no libvirt daemon is running", "systemctl start libvirtd",
    ),
    (
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
        SYSTEM, "daemon", "virtlogd -d; libvirtd -d",
    ),
    (
        "Failed to connect socket to '/var/run/libvirt/virtqemud-sock': No such file or directory",
        SYSTEM, "daemon", "systemctl start virtqemud.socket",
    ),
    (
        "Failed to connect socket to '/run/user/1000/libvirt/virtqemud-sock': Connection refused",
        "qemu:///session", "stopped", "as yourself",
    ),
    (
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied",
        SYSTEM, "may not use", "usermod -aG libvirt $USER",
    ),
    (
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Resource temporarily "
        "unavailable",
        SYSTEM, "busy", "wait",
    ),
    (
        "authentication unavailable: no polkit agent available to authenticate action "
        "'org.libvirt.unix.manage'",
        SYSTEM, "polkit", "usermod -aG libvirt",
    ),
    (
        "authentication failed: polkit: polkit\\56retains_authorization_after_challenge=1\n"
        "Authorization requires authentication but no agent is available.",
        SYSTEM, "polkit", "usermod",
    ),
    (
        "internal error: Unable to get system bus connection: Could not connect: No such file or "
        "directory",
        SYSTEM, "polkit", "usermod",
    ),
    (
        "Cannot create user runtime directory '/nonexistent/.cache/libvirt': Permission denied",
        "qemu:///session", "no place", "XDG_RUNTIME_DIR",
    ),
    ("no connection driver available for lxc:///system", "lxc:///system", "lxc:///system",
     "package"),
    ("no connection driver available for bogus:///system", "bogus:///system", "bogus:///system",
     "virsh version"),
    ("internal error: unexpected qemu URI path '/nosuch', try qemu:///system", "qemu:///nosuch",
     "wrong path", "qemu:///session"),
    (
        "invalid argument: remote_open: transport in URL not recognised (should be "
        "tls|unix|ssh|ext|tcp|libssh2|libssh)",
        "qemu+foo:///system", "transport", "ssh",
    ),
    ("operation forbidden: read only access prevents virNetworkCreate", SYSTEM, "read-only",
     "--readonly"),
    ("internal error: client socket is closed", SYSTEM, "cut", "by itself"),
    ("internal error: connection closed due to keepalive timeout", TLS, "cut", "by itself"),
    # ssh
    (
        "Cannot recv data: Host key verification failed.: Connection reset by peer",
        SSH, "not known here", "ssh -p 2222 root@rack7",
    ),
    (
        "Cannot recv data: @@@@@@@@\r\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     "
        "@\r\nHost key verification failed.: Connection reset by peer",
        SSH, "not the one that was known", "ssh-keygen -R rack7",
    ),
    (
        "Cannot recv data: root@rack7: Permission denied (publickey,password).: Connection reset "
        "by peer",
        SSH, "no key", "ssh-copy-id -p 2222 root@rack7",
    ),
    (
        "Cannot recv data: ssh: Could not resolve hostname rack7: Name or service not known: "
        "Connection reset by peer",
        SSH, "no such name", "getent hosts rack7",
    ),
    (
        "Cannot recv data: ssh: connect to host rack7 port 22: Connection timed out: Connection "
        "reset by peer",
        SSH, "does not answer", "ping rack7",
    ),
    (
        "Cannot recv data: ssh: connect to host rack7 port 22: No route to host: Connection reset "
        "by peer",
        SSH, "no way", "ping rack7",
    ),
    (
        "Cannot recv data: ssh: connect to host 127.0.0.1 port 22: Connection refused: Connection "
        "reset by peer",
        SSH, "no ssh server", "sshd",
    ),
    (
        "End of file while reading data: sh: line 1: nc: command not found: Input/output error",
        SSH, "neither virt-ssh-helper nor", "netcat-openbsd",
    ),
    (
        "Cannot recv data: sh: 1: nc: not found: Connection reset by peer",
        SSH, "neither virt-ssh-helper nor", "on rack7",
    ),
    (
        "End of file while reading data: nc: invalid option -- 'U'\nnc -h for help: Input/output "
        "error",
        SSH, "-U", "netcat-openbsd",
    ),
    (
        "Cannot recv data: zsh:1: command not found: virt-ssh-helper: Connection reset by peer",
        SSH, "neither virt-ssh-helper", "libvirt",
    ),
    (
        "End of file while reading data: nc: unix connect failed: No such file or directory: "
        "Input/output error",
        SSH, "daemon does not run", "on rack7: sudo systemctl start libvirtd",
    ),
    (
        "End of file while reading data: Ncat: No such file or directory.: Input/output error",
        SSH, "daemon does not run", "on rack7",
    ),
    (
        "Cannot recv data: error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': "
        "No such file or directory: Connection reset by peer",
        SSH, "no libvirt daemon", "on rack7: sudo systemctl start",
    ),
    (
        "Cannot recv data: Failed to connect socket to '/var/run/libvirt/libvirt-sock': "
        "Permission denied: Connection reset by peer",
        SSH, "may not use", "on rack7: sudo usermod -aG libvirt USER",
    ),
    (
        "Cannot recv data: Received disconnect from 10.0.0.7 port 22:2: Too many authentication "
        "failures: Connection reset by peer",
        SSH, "more keys", "IdentitiesOnly",
    ),
    (
        "Cannot recv data: libvirt:  error : cannot execute binary ssh: No such file or "
        "directory: Connection reset by peer",
        SSH, "no ssh program", "openssh-client",
    ),
    (
        "authentication failed: SSH host key for 'rack7' (SHA256:x) was not accepted",
        "qemu+libssh://rack7/system", "not known here", "ssh rack7",
    ),
    # tcp, tls, sasl
    ("unable to connect to server at 'rack7:16514': Connection refused", TLS,
     "nothing listens at rack7:16514", "libvirtd-tls.socket"),
    ("unable to connect to server at 'rack7:16514': No route to host", TLS, "no way", "ping"),
    ("Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file or directory", TLS,
     "certificate that is not on this machine", "/etc/pki/CA/cacert.pem"),
    ("The server certificate /etc/pki/libvirt/servercert.pem has expired", TLS, "dates",
     "issued anew"),
    ("authentication failed: Failed to verify peer's certificate", TLS, "not issued by a CA",
     "virt-pki-validate"),
    ("Certificate failed validation: The certificate hasn't got a known issuer.", TLS,
     "not issued by a CA", "cacert.pem"),
    ("Certificate [session] owner does not match the hostname rack7", TLS, "another name",
     "rack7"),
    ("authentication failed: SASL mechanism GSSAPI not supported by server", TLS, "SASL",
     "/etc/sasl2/libvirt.conf"),
    ("authentication failed: authentication failed", "qemu+tcp://rack7/system", "refused",
     "saslpasswd2"),
    # starting
    ("invalid argument: could not find capabilities for domaintype=kvm", SYSTEM,
     "KVM does not work", "tuivm check"),
    ("invalid argument: could not find capabilities for arch=x86_64 domaintype=kvm", SYSTEM,
     "KVM does not work", "type='qemu'"),
    ("unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does not support virt "
     "type 'kvm'", SYSTEM, "KVM does not work", "tuivm check"),
    ("unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does not support virt "
     "type 'xen'", SYSTEM, "no hypervisor of that type", "domcapabilities"),
    ("internal error: process exited while connecting to monitor: Could not access KVM kernel "
     "module: Permission denied\nqemu-system-x86_64: failed to initialize kvm: Permission denied",
     SYSTEM, "KVM", "tuivm check"),
    ("Cannot check QEMU binary /nonexistent/qemu: No such file or directory", SYSTEM,
     "not installed", "<emulator>"),
    ("Cannot access storage file '/root/x.img' (as uid:64055, gid:108): Permission denied",
     SYSTEM, "may not read /root/x.img", "setfacl"),
    ("Cannot access storage file '/nonexistent/x.img': No such file or directory", SYSTEM,
     "/nonexistent/x.img is not there", "pool-start"),
    ("internal error: process exited while connecting to monitor: 2026-11-23T04:29:46.140811Z "
     "qemu-system-x86_64: -blockdev {\"node-name\":\"libvirt-1-format\"}: Failed to get \"write\" "
     "lock\nIs another process using the image [/v/d.qcow2]?", SYSTEM, "image open", "lsof"),
    ("Requested operation is not valid: PCI device 0000:01:00.0 is in use by driver QEMU, domain "
     "db-1", SYSTEM, "another guest has", "another device"),
    ("Requested operation is not valid: network 'default' is not active", SYSTEM,
     "network default is off", "virsh net-start default; virsh net-autostart default"),
    ("Network not found: no network with matching name 'lan'", SYSTEM, "no network called lan",
     "net-list"),
    ("internal error: process exited while connecting to monitor: qemu-system-x86_64: cannot set "
     "up guest memory 'pc.ram': Cannot allocate memory", SYSTEM, "not enough free memory",
     "less memory"),
    ("operation failed: Unable to find any firmware to satisfy 'efi'", SYSTEM, "firmware",
     "ovmf"),
    ("internal error: qemu unexpectedly closed the monitor: qemu-system-x86_64: load of migration "
     "failed: Invalid argument", SYSTEM, "saved state does not fit",
     "managedsave-remove web-1"),
    ("unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does not support machine "
     "type 'pc-q35-9.0'", SYSTEM, "machine type", "machine="),
    ("unsupported configuration: guest and host CPU are not compatible: Host CPU does not provide "
     "required features: avx512f", SYSTEM, "CPU", "host-model"),
    # acting
    ("Requested operation is not valid: domain is not running", SYSTEM, "not running", "start"),
    ("Requested operation is not valid: domain 'web-1' is already active", SYSTEM,
     "running already", "nothing"),
    ("Requested operation is not valid: domain is already running", SYSTEM, "running already",
     "nothing"),
    ("Guest agent is not responding: QEMU guest agent is not connected", SYSTEM,
     "nothing answers", "qemu-guest-agent"),
    ("argument unsupported: QEMU guest agent is not configured", SYSTEM, "no agent channel",
     "org.qemu.guest_agent.0"),
    ("Guest agent is not responding: Guest agent not available for now", SYSTEM,
     "nothing answers", "ACPI"),
    ("Timed out during operation: cannot acquire state change lock (held by "
     "monitor=remoteDispatchDomainSnapshotCreateXML)", SYSTEM, "another job", "domjobinfo web-1"),
    ("Requested operation is not valid: cannot undefine domain with nvram", SYSTEM,
     "UEFI variables", "undefine --nvram web-1"),
    ("Requested operation is not valid: cannot delete inactive domain with 3 snapshots", SYSTEM,
     "3 snapshots", "--snapshots-metadata"),
    ("Requested operation is not valid: Refusing to undefine while domain managed save image "
     "exists", SYSTEM, "managed save", "managedsave-remove web-1"),
    ("Requested operation is not valid: cannot rename active domain", SYSTEM, "renamed",
     "shut it down"),
    ("operation failed: domain 'pp' already exists with uuid 1c7662a9-5c9c-408e-a536-1ea007d3067a",
     SYSTEM, "called pp already", "another name"),
    ("Requested operation is not valid: cannot do managed save for transient domain", SYSTEM,
     "transient", "virsh save web-1"),
    ("unsupported flags (0x4) in function qemuDomainShutdownFlags", SYSTEM,
     "cannot shut down in that way", "ACPI"),
    ("this function is not supported by the connection driver: virDomainQemuMonitorCommand",
     "test:///default", "driver", "virsh"),
    ("Domain not found: no domain with matching uuid '6695eb01-f6a4-8304-79aa-97f2502e193f'",
     SYSTEM, "gone", "list"),
    ("internal error: unable to execute QEMU command 'migrate': State blocked by non-migratable "
     "device '0000:00:03.0/vfio'", SYSTEM, "cannot be saved or moved", "detach"),
    ("operation failed: No space left on device", SYSTEM, "disk is full", "room"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "uri", "cause_has", "remedy_has"), CASES)
def test_real_messages(reason: str, uri: str, cause_has: str, remedy_has: str) -> None:
    cause, remedy = explain(reason, uri=uri, domain="web-1")
    assert cause_has in cause
    assert remedy_has in remedy
    assert not re.search(r"\{\w*\}", cause + remedy)


@pytest.mark.parametrize("reason", ["", "something nobody has ever seen", "internal error: oops"])
def test_unknown_words_are_left_alone(reason: str) -> None:
    assert explain(reason, uri=SYSTEM) == ("", "")


def test_the_error_number_helps_where_the_words_do_not() -> None:
    assert "gone" in explain("Domain introuvable", code=42)[0]
    assert explain("Domain introuvable", code=9999) == ("", "")


def test_every_rule_is_reached_by_a_real_message() -> None:
    """Those of devices: see test_remedies_devices."""
    rules = DEVICE_RULES + CONNECTION_RULES + GUEST_RULES
    reached = {
        next(rule.cause for rule in rules if rule.pattern.search(reason))
        for reason, *_ in [*CASES, *MORE]
    }
    others = CONNECTION_RULES + GUEST_RULES
    assert [rule.cause for rule in others if rule.cause not in reached] == []


MORE = [
    ("End of file while reading data: nc: unix connect failed: Permission denied: Input/output "
     "error",),
    ("internal error: Client's Distinguished Name is not on the list of allowed clients "
     "(tls_allowed_dn_list).",),
    ("Requested operation is not valid: Too many active clients (20), dropping connection",),
    ("unsupported configuration: host doesn't support VFIO: vfio 0000:01:00.0: group 14 is not "
     "viable",),
    ("Timed out during operation: waiting for the monitor",),
    ("internal error: unable to execute QEMU command 'migrate': State blocked by non-migratable "
     "device '0000:00:05.0/ivshmem'",),
]  # fmt: skip


def test_how_a_daemon_is_started_follows_the_init_that_is_known() -> None:
    reason = (
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory"
    )
    assert "virtlogd" not in explain(reason, uri=SYSTEM, systemd=True)[1]
    assert "systemctl" not in explain(reason, uri=SYSTEM, systemd=False)[1]
    both = explain(reason, uri=SYSTEM)[1]
    assert "systemctl" in both
    assert "virtlogd -d; libvirtd -d" in both


def test_what_this_machine_runs_says_nothing_of_another() -> None:
    reason = "End of file while reading data: nc: unix connect failed: No such file or directory"
    assert "systemctl" in explain(reason, uri=SSH, systemd=False)[1]


def test_hostile_names_cannot_write_commands_or_escapes() -> None:
    cause, remedy = explain(
        "Requested operation is not valid: network 'a\x1b[2J{start}' is not active",
        uri=SYSTEM,
        domain="x; rm -rf /",
    )
    assert "\x1b" not in cause + remedy
    assert "systemctl" not in remedy
    remedy = explain("cannot undefine domain with nvram", domain="x; rm -rf /")[1]
    assert "'x; rm -rf /'" in remedy
