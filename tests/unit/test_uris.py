"""URIs as virsh takes them, and libvirt.conf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.uris import (
    check_uri,
    is_local,
    parse_libvirt_conf,
    parse_uri,
    resolve_alias,
    short_name,
    uses_ssh,
    with_batch_mode,
    with_ssh_command,
)

GOOD = [
    # uri, local, through ssh, short name
    ("qemu:///system", True, False, "local"),
    ("qemu:///session", True, False, "session"),
    ("qemu:///embed?root=/tmp/x", True, False, "embed"),
    ("qemu+unix:///system?socket=/run/x.sock", True, False, "local"),
    ("qemu+ssh://root@rack7/system", False, True, "rack7"),
    ("qemu+ssh://rack7.example.org:2222/system", False, True, "rack7.example.org"),
    ("qemu+ssh://me@rack7/session", False, True, "rack7-session"),
    ("qemu+libssh://rack7/system", False, True, "rack7"),
    ("qemu+libssh2://rack7/system?sshauth=agent", False, True, "rack7"),
    ("qemu+ssh:///system", False, True, "localhost"),
    ("qemu+tls://rack7/system", False, False, "rack7"),
    ("qemu+tcp://[fe80::1]:16509/system", False, False, "fe80::1"),
    ("qemu://rack7/system", False, False, "rack7"),
    ("qemu+ext://h/system?command=/bin/x", False, False, "h"),
    ("test:///default", True, False, "test"),
    ("test:////tmp/lab/rack9.xml", True, False, "rack9"),
    ("xen:///", True, False, "xen"),
    ("xen:///system", True, False, "xen"),
    ("xen+ssh://dom0/", False, True, "dom0"),
    ("lxc:///", True, False, "lxc"),
    ("esx://vc.example.org/?no_verify=1", False, False, "vc.example.org"),
    ("newdriver:///system", True, False, "newdriver"),
]


@pytest.mark.parametrize(("uri", "local", "ssh", "name"), GOOD)
def test_good_uris(uri: str, local: bool, ssh: bool, name: str) -> None:
    assert check_uri(uri) is None
    assert is_local(uri) is local
    assert uses_ssh(uri) is ssh
    assert short_name(uri) == name


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("", "driver name"),
        ("qemu", "driver name"),
        ("rack7", "driver name"),
        ("/system", "driver name"),
        ("qemu:/system", "driver name"),
        ("qemu://system", "three slashes for this machine: qemu:///system"),
        ("qemu+ssh://session", "three slashes"),
        ("qemu+ssh://rack7", "/system"),
        ("qemu+ssh://rack7/", "/system"),
        ("qemu:///System", "/system"),
        ("qemu+foo://rack7/system", "foo"),
        ("qemu+://rack7/system", "transport"),
        ("qemu+ssh://rack7:ssh/system", "port"),
        ("qemu+ssh://rack7:99999/system", "port"),
        ("qemu+ext:///system", "command"),
        ("qemu:///sys tem", "blank"),
        ("qemu:///system\n", "blank"),
        ("qemu:///\x1b[2J", "control"),
    ],
)
def test_bad_uris_say_why_and_what_to_write(uri: str, says: str) -> None:
    problem = check_uri(uri)
    assert problem is not None
    assert says in f"{problem.reason} {problem.remedy}"
    assert problem.remedy
    assert "\x1b" not in problem.what


def test_the_parts_of_a_uri() -> None:
    uri = parse_uri("qemu+ssh://me@[::1]:2222/system?netcat=nc&x=1")
    assert uri is not None
    assert (uri.driver, uri.transport, uri.user) == ("qemu", "ssh", "me")
    assert (uri.host, uri.port, uri.path, uri.query) == ("::1", "2222", "/system", "netcat=nc&x=1")


def test_what_libvirt_picks_is_local() -> None:
    assert is_local("")
    assert short_name("") == "local"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("qemu+ssh://h/system", "qemu+ssh://h/system?no_tty=1"),
        ("qemu+ssh://h/system?", "qemu+ssh://h/system?no_tty=1"),
        (
            "qemu+ssh://h/system?keyfile=/a%20b&netcat=nc",
            "qemu+ssh://h/system?keyfile=/a%20b&netcat=nc&no_tty=1",
        ),
        ("qemu+ssh://h/system?no_tty=0&mode=legacy", "qemu+ssh://h/system?mode=legacy&no_tty=1"),
        ("qemu+libssh://h/system?sshauth=agent", "qemu+libssh://h/system?sshauth=agent&no_tty=1"),
        ("qemu+ssh://h/system?NO_TTY=0", "qemu+ssh://h/system?no_tty=1"),
        ("qemu:///system", "qemu:///system"),
        ("qemu+tls://h/system?no_verify=1", "qemu+tls://h/system?no_verify=1"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_batch_mode(uri: str, expected: str) -> None:
    assert with_batch_mode(uri) == expected
    assert with_batch_mode(expected) == expected


SCRIPT = "/opt/my tools/50% off&co/tuivm-ssh"
WRITTEN = "command=/opt/my%20tools/50%25%20off%26co/tuivm-ssh"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("qemu+ssh://h/system", f"qemu+ssh://h/system?{WRITTEN}"),
        ("qemu+ssh://h/system?no_tty=1", f"qemu+ssh://h/system?no_tty=1&{WRITTEN}"),
        ("qemu+ssh://h/system?x=1#y", f"qemu+ssh://h/system?x=1&{WRITTEN}#y"),
        ("xen+ssh://h/?command=", f"xen+ssh://h/?{WRITTEN}"),
        ("qemu+ssh://h/system?command=/my/ssh", "qemu+ssh://h/system?command=/my/ssh"),
        ("qemu+ssh://h/system?a=1;Command=ssh", "qemu+ssh://h/system?a=1;Command=ssh"),
        ("qemu+ext://h/system?command=/my/link", "qemu+ext://h/system?command=/my/link"),
        ("qemu+libssh://h/system", "qemu+libssh://h/system"),
        ("qemu+libssh2://h/system", "qemu+libssh2://h/system"),
        ("qemu+tls://h/system", "qemu+tls://h/system"),
        ("qemu:///system", "qemu:///system"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_the_program_in_place_of_ssh(uri: str, expected: str) -> None:
    assert with_ssh_command(uri, SCRIPT) == expected
    assert with_ssh_command(expected, SCRIPT) == expected


CONF = """
# uri_aliases = [ "commented=qemu:///system" ]
uri_aliases = [
  "hail=qemu+ssh://root@hail.example.com/system",   # the "first"
  'sleet=qemu+ssh://root@sleet.example.com/system?no_verify=1',
  "bad alias=qemu:///system",
  "empty=",
  "nothing"
]
#uri_default = "qemu:///commented"
uri_default = "qemu:///system"
tcp_port = 16509
"""


def test_libvirt_conf() -> None:
    conf = parse_libvirt_conf(CONF)
    assert conf.uri_default == "qemu:///system"
    assert conf.aliases == {
        "hail": "qemu+ssh://root@hail.example.com/system",
        "sleet": "qemu+ssh://root@sleet.example.com/system?no_verify=1",
    }
    assert resolve_alias("hail", conf.aliases) == "qemu+ssh://root@hail.example.com/system"
    assert resolve_alias("qemu:///session", conf.aliases) == "qemu:///session"


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("", ""),
        ("uri_default=", ""),
        ("uri_default", ""),
        ('uri_default = ""', ""),
        ("uri_default = 'lxc:///'", "lxc:///"),
        ('uri_default = """qemu:///session"""', "qemu:///session"),
        ('uri_default = "a:///"\nuri_default = "b:///"', "b:///"),
        ('uri_default = "qemu:///system" # said "once"', "qemu:///system"),
    ],
)
def test_uri_default(text: str, default: str) -> None:
    conf = parse_libvirt_conf(text)
    assert conf.uri_default == default
    assert conf.aliases == {}


@given(st.text())
def test_any_text_is_a_configuration(text: str) -> None:
    parse_libvirt_conf(text)


@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    if check_uri(text) is None:
        assert parse_uri(text) is not None
        assert short_name(text)
    assert with_batch_mode(with_batch_mode(text)) == with_batch_mode(text)
