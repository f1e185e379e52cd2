"""Installers found in network install trees, on servers of the test's own."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tuivm.installtree import Tree, TreeError, find, get
from tuivm.osnames import guess

KERNEL, INITRD = b"\x7fkernel" * 200, b"\x1f\x8binitrd" * 200
TREEINFO = """\
[general]
arch = x86_64
family = Fedora
version = 40
[release]
name = Fedora Linux
version = 40
[images-x86_64]
kernel = images/pxeboot/vmlinuz
initrd = images/pxeboot/initrd.img
[images-xen]
kernel = other
"""
Answer = bytes | int | str
"""A file, a status, or where a redirection leads to."""


class Server:
    """Serves `files` over HTTP; notes what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, Answer] = {}
        self.otherwise: Answer = 404
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                found = outer.files.get(self.path, outer.otherwise)
                if isinstance(found, bytes):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(found)))
                    self.end_headers()
                    # Whoever has seen enough hangs up.
                    with contextlib.suppress(ConnectionError):
                        self.wfile.write(found)
                    return
                self.send_response(302 if isinstance(found, str) else found)
                if isinstance(found, str):
                    self.send_header("Location", found)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_tree_says_where_they_are(server: Server, end: str) -> None:
    server.files = {
        "/f40/.treeinfo": TREEINFO.encode(),
        "/f40/images/pxeboot/vmlinuz": KERNEL,
        "/f40/images/pxeboot/initrd.img": INITRD,
    }
    base = f"{server.url}/f40/"
    assert find(f" {server.url}/f40{end}", "x86_64") == Tree(
        f"{base}images/pxeboot/vmlinuz",
        f"{base}images/pxeboot/initrd.img",
        f"inst.repo={base}",
        "Fedora Linux 40",
    )
    assert len(server.asked) == 3


def test_a_tree_of_opensuse(server: Server) -> None:
    server.files = {
        "/.treeinfo": 404,
        "/treeinfo": b"[general]\nfamily = openSUSE Leap\nversion = 15.6\n[images-aarch64]\n"
        b"kernel = boot/aarch64/linux\ninitrd = boot/aarch64/initrd\n",
        "/boot/aarch64/linux": KERNEL,
        "/boot/aarch64/initrd": INITRD,
    }
    found = find(server.url, "aarch64")
    assert found.kernel == f"{server.url}/boot/aarch64/linux"
    assert found.cmdline == f"install={server.url}/"
    assert guess(found.os, ["opensuse15.4"]) == "opensuse15.6"


DEBIAN = "/debian/dists/bookworm/main/installer-amd64"
NETBOOT = "current/images/netboot/debian-installer/amd64"
UBUNTU = "current/legacy-images/netboot/ubuntu-installer/amd64"
POWER = "current/images/netboot/debian-installer/ppc64el"


@pytest.mark.parametrize(
    ("base", "arch", "kernel", "initrd", "option"),
    [
        *(
            (
                DEBIAN + base,
                "x86_64",
                f"{DEBIAN}/{NETBOOT}/linux",
                f"{DEBIAN}/{NETBOOT}/initrd.gz",
                "",
            )
            for base in ("", "/current", "/current/images", f"/{NETBOOT}")
        ),
        (
            *("/debian/dists/bookworm", "x86_64"),
            *(f"{DEBIAN}/{NETBOOT}/linux", f"{DEBIAN}/{NETBOOT}/initrd.gz", ""),
        ),
        ("/u", "x86_64", f"/u/{UBUNTU}/linux", f"/u/{UBUNTU}/initrd.gz", ""),
        ("/n", "aarch64", "/n/netboot/arm64/linux", "/n/netboot/arm64/initrd", ""),
        ("/p", "ppc64le", f"/p/{POWER}/vmlinux", f"/p/{POWER}/initrd.gz", ""),
        ("/i", "armv7l", "/i/images/netboot/vmlinuz", "/i/images/netboot/initrd.gz", ""),
        ("/z", "s390x", "/z/generic/kernel.debian", "/z/generic/initrd.debian", ""),
        ("/c", "x86_64", "/c/images/pxeboot/vmlinuz", "/c/images/pxeboot/initrd.img", "inst.repo"),
        ("/s", "x86_64", "/s/boot/x86_64/loader/linux", "/s/boot/x86_64/loader/initrd", "install"),
        ("/s", "ppc64le", "/s/boot/ppc64le/linux", "/s/boot/ppc64le/initrd", "install"),
        ("/own", "riscv64", "/own/vmlinuz", "/own/initrd.img", ""),
    ],
)
def test_known_places(
    server: Server, base: str, arch: str, kernel: str, initrd: str, option: str
) -> None:
    server.files = {kernel: KERNEL, initrd: INITRD}
    found = find(server.url + base, arch)
    assert (found.kernel, found.initrd) == (server.url + kernel, server.url + initrd)
    assert found.cmdline == (f"{option}={server.url}{base}/" if option else "")


def test_the_address_hints_at_the_os() -> None:
    def only_debian(url: str, most: int) -> bytes | None:
        return KERNEL[:most] if "debian-installer/amd64/" in url else None

    found = find(
        "https://deb.debian.org/debian/dists/bookworm/main/installer-amd64/", "x86_64", only_debian
    )
    assert guess(found.os, ["debian11"]) == "debian12"


def test_a_mirror_that_leads_elsewhere(server: Server) -> None:
    server.files = {
        "/m/images/pxeboot/vmlinuz": f"{server.url}/real/vmlinuz",
        "/real/vmlinuz": KERNEL,
        "/m/images/pxeboot/initrd.img": INITRD,
    }
    # The address that was given stays: the mirror may lead to another place next time.
    assert find(f"{server.url}/m", "x86_64").kernel == f"{server.url}/m/images/pxeboot/vmlinuz"


@pytest.mark.parametrize("leads", ["file:///etc/passwd", "data:,kernel", "gopher://x/"])
def test_a_redirection_to_no_server_is_refused(server: Server, leads: str) -> None:
    server.otherwise = leads
    with pytest.raises(TreeError):
        find(server.url, "x86_64")


def test_half_an_installer_is_none(server: Server) -> None:
    server.files = {"/images/pxeboot/vmlinuz": KERNEL}
    with pytest.raises(TreeError, match="no installer for x86_64"):
        find(server.url, "x86_64")


def test_a_page_for_whatever_is_asked_is_no_kernel(server: Server) -> None:
    server.otherwise = b"\n<!DOCTYPE html><p>welcome</p>"
    with pytest.raises(TreeError, match="no installer"):
        find(server.url, "x86_64")


@pytest.mark.parametrize(
    ("treeinfo", "words"),
    [
        (TREEINFO.replace("images-x86_64", "images-ppc64le"), "the tree is for x86_64: it has no"),
        (TREEINFO, "names a kernel or initrd that is not there"),
        (TREEINFO.replace("images/pxeboot/vmlinuz", "http://example.org/x"), "outside of it"),
        (TREEINFO.replace("images/pxeboot/vmlinuz", "file:///etc/passwd"), "outside of it"),
    ],
)
def test_a_treeinfo_that_cannot_be_followed(server: Server, treeinfo: str, words: str) -> None:
    server.files = {"/.treeinfo": treeinfo.encode()}
    with pytest.raises(TreeError, match=words):
        find(server.url, "x86_64")


def test_a_treeinfo_is_read_up_to_a_limit(server: Server) -> None:
    server.files = {"/.treeinfo": b"#" * 10_000_000}
    data = get(f"{server.url}/.treeinfo", 1000)
    assert data == b"#" * 1000


@pytest.mark.parametrize("status", [403, 410])
def test_what_is_forbidden_is_not_there(server: Server, status: int) -> None:
    server.otherwise = status
    with pytest.raises(TreeError, match="no installer"):
        find(server.url, "x86_64")


@pytest.mark.parametrize("status", [401, 500, 503])
def test_a_server_that_refuses(server: Server, status: int) -> None:
    server.otherwise = status
    with pytest.raises(TreeError, match=f"127.0.0.1 answers {status}"):
        find(server.url, "x86_64")
    assert len(server.asked) == 1


def test_nobody_is_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TreeError, match="cannot be reached: Connection refused"):
        find(f"http://127.0.0.1:{port}/", "x86_64")


def serve(handle: Callable[[socket.socket], object]) -> tuple[str, socketserver.TCPServer]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            handle(self.request)

    made = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    return f"127.0.0.1:{made.server_address[1]}", made


def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuivm.installtree.TIMEOUT_S", 0.2)
    over = threading.Event()
    address, made = serve(lambda _: over.wait())
    with made, pytest.raises(TreeError, match=r"no answer within 0\.2 s"):
        find(f"http://{address}/", "x86_64")
    over.set()
    made.shutdown()


def test_a_server_that_does_not_speak_http() -> None:
    address, made = serve(lambda conversation: conversation.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))
    with made, pytest.raises(TreeError, match=r"127\.0\.0\.1"):
        find(f"http://{address}/", "x86_64")
    made.shutdown()


def test_over_ftp() -> None:
    files = {"vmlinuz": KERNEL, "initrd.img": INITRD}

    def converse(conversation: socket.socket) -> None:
        lines = conversation.makefile("rw", newline="\r\n")

        def say(text: str) -> None:
            lines.write(f"{text}\n")
            lines.flush()

        say("220 ready")
        data = socket.create_server(("127.0.0.1", 0))
        for line in lines:
            word, _, rest = line.strip().partition(" ")
            if word in ("EPSV", "PASV"):
                port = data.getsockname()[1]
                say(
                    f"227 ok (127,0,0,1,{port // 256},{port % 256})" if word == "PASV" else "500 no"
                )
            elif word in ("RETR", "CWD") and rest not in files:
                say("250 ok" if rest == "pub" else "550 not there")
            elif word == "RETR":
                say("150 here it comes")
                with data.accept()[0] as transfer:
                    transfer.sendall(files[rest])
                say("226 done")
            else:
                say("230 ok")

    address, made = serve(converse)
    with made:
        found = find(f"ftp://{address}/pub", "x86_64")
    assert found.kernel == f"ftp://{address}/pub/vmlinuz"
    made.shutdown()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "begins with http://"),
        ("file:///srv/tree", "begins with http://"),
        ("/srv/tree", "begins with http://"),
        ("example.org/tree", "begins with http://"),
        ("http://", "begins with http://"),
        ("http:///tree", "begins with http://"),
        ("http://[::1/", "no URL"),
        ("http://a:99999/", "no URL"),
        ("http://a:x/", "no URL"),
        ("http://a/b c", "no blanks"),
        ("http://a/b\nc", "no blanks"),
        ("http://a/\x00", "no blanks"),
        ("http://a/?x=1", "without \\?"),
        ("http://a/#x", "without \\?"),
        ("https://ada:secret@a/", "behind a password"),
        ("http://" + "a" * 5000 + "/", "did not answer as it should"),
        ("http://日本.invalid/", "no blanks"),
        ("http://a/日本", "no blanks"),
    ],
)
def test_what_is_no_url_of_a_tree(url: str, words: str) -> None:
    with pytest.raises(TreeError, match=words) as caught:
        find(url, "x86_64")
    assert "secret" not in str(caught.value)
