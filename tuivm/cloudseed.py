"""The seed that cloud-init reads at a guest's first boot: a NoCloud image, made in memory.

Its documents are JSON, which is YAML too, so that no text of a person's can break out of its value.
"""

from __future__ import annotations

import io
import ipaddress
import json
import re
from typing import Any

import pycdlib
from passlib.hash import sha512_crypt

from tuivm.model.spec import CloudInit, CloudNetwork

LABEL = "cidata"
"""By which cloud-init knows the image."""

_ROUNDS = 100_000
"""Of SHA-512 crypt: 20 times the default of /etc/shadow, and a few seconds under TCG."""

_NOT_IN_YAML = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON leaves as they are and YAML does not read, or reads as line breaks."""


def seed(cloud: CloudInit, *, name: str, instance_id: str, mac: str = "") -> bytes:
    """A whole ISO 9660 image with Joliet and Rock Ridge names.

    name: the guest's, of which its host name is made where none is given. instance_id: another one
    makes cloud-init start over; the guest's UUID. mac: of the NIC that the network is for, "" for
    whichever is there, which not every distribution's cloud-init can find. Raises ValueError for a
    password that cannot be hashed.
    """
    hostname = cloud.hostname or host_name(name)
    meta = {"instance-id": instance_id} | ({"local-hostname": hostname} if hostname else {})
    files = {
        "meta-data": _document(meta),
        "user-data": cloud.user_data or "#cloud-config\n" + _document(user_data(cloud)),
    }
    if cloud.network != CloudNetwork():
        files["network-config"] = _document(network_config(cloud.network, mac))
    return _image({name: text.encode("utf-8", "replace") for name, text in files.items()})


def user_data(cloud: CloudInit) -> dict[str, Any]:
    """What `#cloud-config` says. The person is the image's default user, by another name where one
    is given: it keeps the shell, groups and sudo that its distribution gives it."""
    document: dict[str, Any] = {}
    user: dict[str, Any] = {}
    if cloud.user:
        user["name"] = cloud.user
    if cloud.password:
        user |= {"passwd": hashed(cloud.password), "lock_passwd": False}
        if not cloud.ssh_keys:
            # With no key there would be no way in over the network.
            document["ssh_pwauth"] = True
    if user:
        document |= {"user": user, "users": ["default"]}
    if cloud.ssh_keys:
        document["ssh_authorized_keys"] = list(cloud.ssh_keys)
    if "." in cloud.hostname:
        document |= {"hostname": cloud.hostname.partition(".")[0], "fqdn": cloud.hostname}
    if cloud.packages:
        document |= {"package_update": True, "packages": list(cloud.packages)}
    return document


def network_config(network: CloudNetwork, mac: str = "") -> dict[str, Any]:
    """Version 2 of cloud-init's format, for one NIC."""
    nic: dict[str, Any] = {"match": {"name": "e*"}}
    if mac:
        # Not renamed: cloud-init 22 then looks for the name servers' interface by its old name.
        nic = {"match": {"macaddress": mac.lower()}}
    if network.address:
        nic["addresses"] = [network.address]
    else:
        nic["dhcp4"] = True
    if network.gateway:
        # Written out, as "default" and "gateway4" are each refused or ignored by some version.
        everything = "::/0" if _is_v6(network.gateway) else "0.0.0.0/0"
        nic["routes"] = [{"to": everything, "via": network.gateway}]
    if network.dns:
        nic["nameservers"] = {"addresses": list(network.dns)}
    # The key is any name where the MAC is looked up; old versions take it for the interface's.
    return {"version": 2, "ethernets": {"eth0": nic}}


def hashed(password: str) -> str:
    """As /etc/shadow keeps it; one that begins with "$" is a hash already. Raises ValueError."""
    return (
        password if password.startswith("$") else sha512_crypt.using(rounds=_ROUNDS).hash(password)
    )


def host_name(name: str) -> str:
    """Of a guest's name what may stand in a host name (RFC 1123); "" when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].rstrip("-")


def _is_v6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return False


def _document(content: dict[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, indent=2)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _image(files: dict[str, bytes]) -> bytes:
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, vol_ident=LABEL, joliet=3, rock_ridge="1.09")
    for number, (name, content) in enumerate(files.items()):
        image.add_fp(
            io.BytesIO(content),
            len(content),
            # Level 3 has no lower case; whoever reads it goes by the other two names.
            iso_path=f"/SEED{number}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
        )
    written = io.BytesIO()
    image.write_fp(written)
    image.close()
    return written.getvalue()
