"""cloud-init's seed: what is in the image, read back, as YAML and by another program."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pycdlib
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from passlib.hash import sha512_crypt

from tuivm.cloudseed import hashed, host_name, network_config, seed, user_data
from tuivm.model.spec import CloudInit, CloudNetwork

UUID = "0d8f0ccd-6a47-4e86-8d1e-7e3a0cbbf2c4"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfWrOJGUVpkYpbVqwPCWb7bsvLYJnHFHBBvKpO0tYnh ada@desk"


def files(image: bytes, kind: str = "joliet") -> dict[str, str]:
    """Its files by the names of that kind."""
    opened = pycdlib.PyCdlib()
    opened.open_fp(io.BytesIO(image))
    assert opened.pvd.volume_identifier.decode().strip() == "cidata"
    found = {}
    paths = {"joliet": "joliet_path", "rr": "rr_path"}
    for base, _, names in opened.walk(**{paths[kind]: "/"}):
        for name in names:
            content = io.BytesIO()
            opened.get_file_from_iso_fp(content, **{paths[kind]: f"{base}{name}"})
            found[name] = content.getvalue().decode()
    opened.close()
    return found


def documents(cloud: CloudInit, name: str = "web-1", mac: str = "") -> dict[str, Any]:
    found = files(seed(cloud, name=name, instance_id=UUID, mac=mac))
    return {name: yaml.safe_load(text) for name, text in found.items()}


def test_what_is_asked_is_in_the_seed() -> None:
    cloud = CloudInit(
        user="ada",
        password="s3cret",
        ssh_keys=(KEY,),
        hostname="web.example.org",
        packages=("nginx", "qemu-guest-agent"),
        network=CloudNetwork("192.0.2.7/24", "192.0.2.1", ("192.0.2.53",)),
    )
    found = documents(cloud, mac="52:54:00:AA:BB:CC")
    assert found["meta-data"] == {"instance-id": UUID, "local-hostname": "web.example.org"}
    told = found["user-data"]
    secret = told["user"].pop("passwd")
    assert sha512_crypt.verify("s3cret", secret)
    assert told == {
        "user": {"name": "ada", "lock_passwd": False},
        "users": ["default"],
        "ssh_authorized_keys": [KEY],
        "hostname": "web",
        "fqdn": "web.example.org",
        "package_update": True,
        "packages": ["nginx", "qemu-guest-agent"],
    }
    assert found["network-config"] == {
        "version": 2,
        "ethernets": {
            "eth0": {
                "match": {"macaddress": "52:54:00:aa:bb:cc"},
                "addresses": ["192.0.2.7/24"],
                "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}],
                "nameservers": {"addresses": ["192.0.2.53"]},
            }
        },
    }


def test_nothing_asked_is_a_name_alone() -> None:
    assert documents(CloudInit()) == {
        "meta-data": {"instance-id": UUID, "local-hostname": "web-1"},
        "user-data": {},
    }


def test_the_documents_begin_as_cloud_init_wants_them() -> None:
    found = files(seed(CloudInit(user="ada"), name="a", instance_id=UUID), "rr")
    assert found["user-data"].startswith("#cloud-config\n{")
    assert found.keys() == {"meta-data", "user-data"}


def test_a_document_of_ones_own_is_left_alone() -> None:
    text = "#!/bin/sh\necho hello > /dev/ttyS0\n"
    cloud = CloudInit(user="ada", password="x", packages=("y",), hostname="h", user_data=text)
    found = files(seed(cloud, name="a", instance_id=UUID))
    assert found["user-data"] == text
    assert yaml.safe_load(found["meta-data"])["local-hostname"] == "h"


def test_the_plain_password_is_nowhere_in_the_image() -> None:
    image = seed(CloudInit(user="ada", password="hunter2hunter2"), name="a", instance_id=UUID)
    assert b"hunter2" not in image
    assert "hunter2".encode("utf-16-be") not in image


def test_a_password_alone_opens_the_network() -> None:
    assert user_data(CloudInit(password="x"))["ssh_pwauth"] is True
    assert "ssh_pwauth" not in user_data(CloudInit(password="x", ssh_keys=(KEY,)))
    assert "ssh_pwauth" not in user_data(CloudInit(user="ada"))
    # Of the image's own user, whatever it is called.
    assert user_data(CloudInit(password="x"))["user"].keys() == {"passwd", "lock_passwd"}


def test_hashes() -> None:
    assert hashed("$y$j9T$abc$def") == "$y$j9T$abc$def"
    one, other = hashed("pass word ü"), hashed("pass word ü")
    assert one != other
    assert re.fullmatch(r"\$6\$rounds=\d+\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}", one)
    assert sha512_crypt.verify("pass word ü", one)
    with pytest.raises(ValueError):
        hashed("a\0b")


@pytest.mark.parametrize(
    ("network", "nic"),
    [
        (
            CloudNetwork(dns=("192.0.2.1",)),
            {"dhcp4": True, "nameservers": {"addresses": ["192.0.2.1"]}},
        ),
        (
            CloudNetwork("2001:db8::7/64", "2001:db8::1"),
            {
                "addresses": ["2001:db8::7/64"],
                "routes": [{"to": "::/0", "via": "2001:db8::1"}],
            },
        ),
    ],
)
def test_networks(network: CloudNetwork, nic: dict[str, Any]) -> None:
    assert network_config(network)["ethernets"]["eth0"] == {"match": {"name": "e*"}, **nic}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web-1", "web-1"),
        ("My Guest_2", "my-guest-2"),
        ("-ü-", ""),
        ("a" * 80, "a" * 63),
        ("a" * 62 + " b", "a" * 62),
    ],
)
def test_host_names(name: str, expected: str) -> None:
    assert host_name(name) == expected


def test_a_name_of_which_nothing_is_left_is_not_said() -> None:
    assert documents(CloudInit(), name="日本")["meta-data"] == {"instance-id": UUID}


# JSON is YAML but for a few characters; a key or user may hold anything.
@settings(deadline=None, max_examples=200)
@given(
    st.text() | st.text("\x00\t\n\r \x7f\x80\x85\x9f\xa0\u2028\u2029\ufeff\ufffe\uffff😀\"\\':#{}-")
)
def test_any_text_comes_back_through_yaml(text: str) -> None:
    cloud = CloudInit(user="u" + text, ssh_keys=(text,), packages=(text,))
    found = documents(cloud)["user-data"]
    assert found["user"]["name"] == "u" + text
    assert found["ssh_authorized_keys"] == found["packages"] == [text]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "seed.iso"
    path.write_bytes(seed(CloudInit(user="ada"), name="a", instance_id=UUID))
    return path


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not shutil.which("blkid"), reason="blkid is not installed")
def test_it_is_found_as_cloud_init_finds_it(written: Path) -> None:
    told = output("blkid", "--probe", "--output", "export", written)
    assert {"LABEL=cidata", "TYPE=iso9660"} <= {*told.splitlines()}


@pytest.mark.skipif(not shutil.which("isoinfo"), reason="isoinfo is not installed")
def test_another_program_reads_it(written: Path) -> None:
    assert "Volume id: cidata" in output("isoinfo", "-d", "-i", written)
    for names in ("-R", "-J"):
        listed = output("isoinfo", names, "-f", "-i", written).split()
        assert {"/meta-data", "/user-data"} <= {*listed}
    assert '"ada"' in output("isoinfo", "-R", "-x", "/user-data", "-i", written)
