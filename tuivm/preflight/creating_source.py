"""The checks of what a guest comes from: image, URL, kernel, cloud-init."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_interface
from urllib.parse import urlsplit

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import HostOffer
from tuivm.model.spec import CloudInit, CloudNetwork, FileRef, Source, SourceKind
from tuivm.preflight.asking import error, has_control, is_address, note, shown, warning
from tuivm.preflight.creating_files import check_place, file_field
from tuivm.preflight.creating_volumes import check_volume_name
from tuivm.preflight.default_disks import find_pool
from tuivm.preflight.images import FileFacts
from tuivm.preflight.placing import place

_WITH_FILE = (SourceKind.ISO, SourceKind.IMPORT, SourceKind.OVERLAY, SourceKind.CLOUD)
_SCHEMES = ("http", "https", "ftp")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\$?")
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_PACKAGE = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@+._:=~*/-]*")
_KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_USER_DATA = (
    "#cloud-config",
    "#!",
    "#include",
    "## template",
    "#cloud-boothook",
    "#part-handler",
    "Content-Type:",
    "MIME-Version:",
    "#upstart-job",
    "#cloud-config-archive",
)
"""How cloud-init tells what kind of a document it is given (its docs, "User-data formats")."""
_CMDLINE_MOST = 2048
"""Bytes that x86 kernels take (COMMAND_LINE_SIZE)."""


def check_source(
    plan: CreationPlan, offer: HostOffer, files: Mapping[FileRef, FileFacts]
) -> Iterator[Finding]:
    source = plan.spec.source
    if source.kind in _WITH_FILE and source.file == FileRef():
        what = "ISO image" if source.kind is SourceKind.ISO else "image"
        yield error("source-file", "source.path", f"no {what} is named", remedy="choose one")
    if source.kind is SourceKind.TREE:
        yield from _url(source.url)
        if any(not order.fetch for order in plan.volumes if order.placed in plan.temporary):
            yield error(
                "tree-unread",
                "source.url",
                "no kernel and initrd of an installer are known there",
                "the tree was not looked at, or nothing in it is where installers are kept",
                "a directory with .treeinfo, or a distribution's installer tree",
            )
    if source.kind is SourceKind.KERNEL:
        yield from _kernel(source, offer, files)
    if source.kind in (SourceKind.KERNEL, SourceKind.TREE):
        yield from _cmdline(source.cmdline)
    if source.kind is SourceKind.CLOUD:
        yield from _cloud(source.cloud, plan, offer)


def _url(url: str) -> Iterator[Finding]:
    field = "source.url"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as problem:
        yield error("url-invalid", field, f"{shown(url)} is no URL", str(problem))
        return
    if not url:
        yield error("url-none", field, "no URL is named", remedy="that of an installer's tree")
    elif parts.scheme.lower() not in _SCHEMES:
        yield error(
            "url-scheme",
            field,
            f"{shown(url)} is neither http, https nor ftp",
            "the tree is read over the network",
            "for files of this machine there are the sources kernel and ISO",
        )
    elif not host or has_control(url) or " " in url:
        yield error("url-invalid", field, f"{shown(url)} is no URL of a host")
    elif parts.scheme.lower() != "https":
        yield note(
            "url-plain",
            field,
            "what is fetched over it can be changed on the way",
            "nothing here verifies an installer's kernel",
            "https, where the mirror has it",
        )


def _kernel(
    source: Source, offer: HostOffer, files: Mapping[FileRef, FileFacts]
) -> Iterator[Finding]:
    if source.kernel == FileRef():
        yield error("kernel-none", "source.kernel.path", "no kernel is named")
    for name, file in (("kernel", source.kernel), ("initrd", source.initrd)):
        if file == FileRef():
            continue
        yield from check_place(f"source.{name}", file, offer, files)
        placed = place(offer, file, files)
        if placed is not None and placed.by_volume:
            yield error(
                "kernel-path",
                file_field(f"source.{name}", file),
                f"the {name} has no path on the host",
                "QEMU opens it as a file",
                "a pool that is a directory",
            )


def _cmdline(cmdline: str) -> Iterator[Finding]:
    field = "source.cmdline"
    if has_control(cmdline):
        yield error("cmdline-control", field, "the command line has control characters")
    elif len(cmdline.encode("utf-8", "surrogatepass")) >= _CMDLINE_MOST:
        yield warning(
            "cmdline-long",
            field,
            f"the command line is longer than {_CMDLINE_MOST - 1} bytes",
            "x86 kernels cut it there",
        )


def _cloud(cloud: CloudInit, plan: CreationPlan, offer: HostOffer) -> Iterator[Finding]:
    field = "source.cloud"
    for order in plan.volumes:
        if order.seed is not None:
            pool = find_pool(offer, order.placed.pool)
            yield from check_volume_name(field, order.placed.volume, pool)
    if cloud.user_data:
        if not cloud.user_data.startswith(_USER_DATA):
            yield warning(
                "user-data",
                f"{field}.user_data",
                "the user-data does not begin as cloud-init wants it",
                "by the first line it tells what it is given; what it does not know it ignores",
                "#cloud-config, or #! of a script",
            )
    elif not cloud.ssh_keys and not cloud.password:
        yield warning(
            "cloud-login",
            f"{field}.ssh_keys",
            "nobody could log in: no SSH key and no password",
            "cloud images have neither of their own",
            "add your public key (~/.ssh/id_ed25519.pub), or a password",
        )
    yield from _cloud_user(cloud)
    for number, key in enumerate(cloud.ssh_keys):
        yield from _ssh_key(f"{field}.ssh_keys.{number}", key)
    if cloud.hostname and not _HOST.fullmatch(cloud.hostname):
        yield error(
            "hostname",
            f"{field}.hostname",
            f"{shown(cloud.hostname)} is no hostname",
            remedy="letters, digits and -; at most 63 of them between dots",
        )
    for package in cloud.packages:
        if not _PACKAGE.fullmatch(package):
            yield error("package", f"{field}.packages", f"{shown(package)} is no package's name")
    yield from _cloud_network(cloud.network)


def _cloud_user(cloud: CloudInit) -> Iterator[Finding]:
    field = "source.cloud"
    if cloud.user and not _USER.fullmatch(cloud.user):
        yield error(
            "user-name",
            f"{field}.user",
            f"{shown(cloud.user)} is no user name that every system takes",
            remedy="small letters, digits, - and _, at most 32, a letter first",
        )
    elif cloud.user == "root":
        yield note(
            "user-root",
            f"{field}.user",
            "many images let nobody log in as root over SSH",
            remedy="a user of your own, who gets sudo",
        )
    if has_control(cloud.password):
        yield error("password", f"{field}.password", "the password has control characters")


def _ssh_key(field: str, key: str) -> Iterator[Finding]:
    """A line of authorized_keys: type, base64 that repeats the type, and a comment (RFC 4253)."""
    if "PRIVATE KEY" in key:
        yield error(
            "ssh-private",
            field,
            "this is a private key",
            "it must not leave the machine where it was made, least of all into a guest",
            "the file that ends in .pub",
        )
        return
    parts = key.split()
    types = [index for index, part in enumerate(parts) if part in _KEY_TYPES]
    if "\n" in key.strip() or not types or len(parts) <= types[0] + 1:
        yield error(
            "ssh-key",
            field,
            f"{shown(key)} is no public SSH key",
            remedy="a line such as ssh-ed25519 AAAA… name@host",
        )
        return
    name, blob = parts[types[0]], parts[types[0] + 1]
    try:
        data = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    parts_of_key = _strings(data)
    if len(parts_of_key) < 2 or parts_of_key[0] != name.encode():
        yield error(
            "ssh-key",
            field,
            "the key is damaged",
            f"what follows {name} is not such a key; part of it may be missing",
            "copy the whole line",
        )


def _strings(data: bytes) -> list[bytes]:
    """SSH's strings (RFC 4251), each after its length; [] where they do not fill the data."""
    found = []
    while data:
        length = int.from_bytes(data[:4])
        if len(data) < 4 + length:
            return []
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


def _cloud_network(network: CloudNetwork) -> Iterator[Finding]:
    field = "source.cloud.network"
    if not network.address:
        if network.gateway:
            yield warning(
                "gateway-alone",
                f"{field}.gateway",
                "a gateway without an address is not used",
                "DHCP tells the gateway too",
                "give an address as well",
            )
    else:
        try:
            interface = ip_interface(network.address)
        except ValueError:
            interface = None
        if interface is None or "/" not in network.address:
            yield error(
                "address",
                f"{field}.address",
                f"{shown(network.address)} is no address with a prefix length",
                remedy="such as 192.168.122.10/24",
            )
        elif network.gateway:
            yield from _gateway(f"{field}.gateway", network)
        else:
            yield warning(
                "gateway-none",
                f"{field}.gateway",
                "a fixed address without a gateway reaches its own network alone",
                remedy="give the router's address",
            )
    for server in network.dns:
        if not is_address(server):
            yield error("dns", f"{field}.dns", f"{shown(server)} is no address of a name server")


def _gateway(field: str, network: CloudNetwork) -> Iterator[Finding]:
    if not is_address(network.gateway):
        yield error("gateway", field, f"{shown(network.gateway)} is no address")
    elif ip_address(network.gateway) not in ip_interface(network.address).network:
        yield warning(
            "gateway-far",
            field,
            f"{network.gateway} is not in the network of {network.address}",
            "the guest does not reach it without a further route",
            "an address of that network",
        )
