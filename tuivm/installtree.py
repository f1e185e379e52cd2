"""Finds the installer's kernel and initrd in a network install tree.

A tree says where they are in its .treeinfo (productmd's format, of the Fedora family and openSUSE);
the others have them at paths of their distribution's.
"""

from __future__ import annotations

import configparser
import http.client
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import (
    FTPHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    UnknownHandler,
)

TIMEOUT_S = 10.0
_SCHEMES = ("http", "https", "ftp")
_TREEINFO_LIMIT = 256 * 1024
_START = 512
"""Bytes of a kernel that are looked at: enough to tell one from an error page."""
_ABSENT = (403, 404, 410)
"""What servers say of a file that is not there; some mirrors forbid what they have not got."""

Fetch = Callable[[str, int], bytes | None]
"""fetch(url, most) gives the first bytes of a file, None when there is none. Raises TreeError."""


class TreeError(Exception):
    """A sentence: what is wrong with the URL, the server or the tree."""


class Tree(NamedTuple):
    """kernel, initrd: URLs. cmdline: what the installer has to be told to find the tree. os: words
    to guess the OS from, as `osinfo.Catalog.by_image` takes them."""

    kernel: str
    initrd: str
    cmdline: str = ""
    os: str = ""


class _Places(NamedTuple):
    """Relative to the tree. option: of the kernel's command line, that takes the tree's URL."""

    kernel: str
    initrd: str
    option: str = ""


def find(url: str, arch: str, fetch: Fetch | None = None) -> Tree:
    """Of guests of `arch`, as libvirt calls it ("x86_64", "aarch64"). Blocks, at most `TIMEOUT_S` a
    request. Raises TreeError."""
    base = _base(url)
    look = fetch or get
    told = _treeinfo(base, arch, look)
    hint = told[1] if told else ""
    for places in [told[0]] if told else _known_places(arch):
        kernel, initrd = _inside(base, places.kernel), _inside(base, places.initrd)
        if _is_file(kernel, look) and _is_file(initrd, look):
            cmdline = f"{places.option}={base}" if places.option else ""
            return Tree(kernel, initrd, cmdline, hint or _words(base))
    if told:
        raise TreeError("the tree's .treeinfo names a kernel or initrd that is not there")
    raise TreeError(
        f"there is no installer for {arch} in it: neither .treeinfo nor a kernel where Debian,"
        " Ubuntu, Fedora, openSUSE and their relatives have it"
    )


def get(url: str, most: int) -> bytes | None:
    """The `Fetch` over the network, by the proxies of the environment."""
    opener = OpenerDirector()
    # No handler for files: a redirection must not lead to this machine's.
    for handler in (
        *(ProxyHandler, HTTPHandler, HTTPSHandler, FTPHandler, UnknownHandler),
        *(HTTPDefaultErrorHandler, HTTPRedirectHandler, HTTPErrorProcessor),
    ):
        opener.add_handler(handler())
    host = urlsplit(url).hostname
    try:
        with opener.open(url, timeout=TIMEOUT_S) as answer:
            data = answer.read(most)
    except HTTPError as error:
        error.close()
        if error.code in _ABSENT:
            return None
        raise TreeError(f"{host} answers {error.code} {error.reason}") from None
    except URLError as error:
        # Of FTP a file that is not there ends here too, with the server's "550".
        if "550" in str(error.reason):
            return None
        raise TreeError(f"{host} cannot be reached: {_reason(error.reason)}") from None
    # UnicodeError: a host name that is none.
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise TreeError(f"{host} did not answer as it should: {_reason(error)}") from None
    assert isinstance(data, bytes)
    return data


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)


def _base(url: str) -> str:
    """The URL with a slash at its end."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise TreeError(f"that is no URL: {error}") from None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise TreeError("the URL of a tree begins with http://, https:// or ftp:// and a host")
    # Checked in the text too: urlsplit leaves out line breaks.
    if not url.isprintable() or not url.isascii() or " " in url:
        raise TreeError("a URL has no blanks, and other letters than English ones as %XX")
    if parts.query or parts.fragment:
        raise TreeError("the URL of a tree is that of a directory, without ? or #")
    if parts.username is not None and parts.scheme != "ftp":
        raise TreeError("a tree behind a password cannot be installed from")
    return url.rstrip("/") + "/"


def _inside(base: str, path: str) -> str:
    """Raises TreeError for a path that leads out of the tree's server."""
    joined = urljoin(base, path)
    if urlsplit(joined)[:2] != urlsplit(base)[:2]:
        raise TreeError(f"the tree's .treeinfo names a file outside of it: {path}")
    return joined


def _is_file(url: str, look: Fetch) -> bool:
    """Not an error page that is sent as if it was the file."""
    start = look(url, _START) or b"<"
    return not start.lstrip().startswith(b"<")


def _treeinfo(base: str, arch: str, look: Fetch) -> tuple[_Places, str] | None:
    for name in (".treeinfo", "treeinfo"):
        data = look(base + name, _TREEINFO_LIMIT)
        if data is None:
            continue
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(data.decode("utf-8", "replace"))
        except configparser.Error:
            # A page that is sent for whatever is asked.
            continue
        if parser.has_section("general") or parser.has_section("release"):
            return _told(parser, arch)
    return None


def _told(parser: configparser.ConfigParser, arch: str) -> tuple[_Places, str]:
    name = parser.get("release", "name", fallback="")
    family = name or parser.get("general", "family", fallback="")
    version = parser.get("release", "version", fallback="")
    version = version or parser.get("general", "version", fallback="")
    section = "images-i386" if arch == "i686" else f"images-{arch}"
    kernel = parser.get(section, "kernel", fallback="")
    initrd = parser.get(section, "initrd", fallback="")
    if not kernel or not initrd:
        its = parser.get("general", "arch", fallback="") or "another architecture"
        raise TreeError(f"the tree is for {its}: it has no kernel for {arch}")
    suse = "suse" in family.lower() or family.upper().startswith("SLE")
    return _Places(
        kernel, initrd, "install" if suse else "inst.repo"
    ), f"{family} {version}".strip()


def _known_places(arch: str) -> Iterator[_Places]:
    """Most common first; a tree's own URL may end anywhere above them."""
    deb = {"x86_64": "amd64", "i686": "i386", "aarch64": "arm64", "armv7l": "armhf"}
    deb_arch = deb.get(arch, "ppc64el" if arch == "ppc64le" else arch)
    kernel = "vmlinux" if arch == "ppc64le" else "linux"
    yield _Places("images/pxeboot/vmlinuz", "images/pxeboot/initrd.img", "inst.repo")
    installer = f"main/installer-{deb_arch}/"
    inside = ("current/images/", "current/legacy-images/")
    for top in (*inside, "images/", *(installer + one for one in inside), ""):
        if arch == "s390x":
            yield _Places(f"{top}generic/kernel.debian", f"{top}generic/initrd.debian")
            continue
        for distribution in ("debian", "ubuntu"):
            place = f"{top}netboot/{distribution}-installer/{deb_arch}/"
            yield _Places(f"{place}{kernel}", f"{place}initrd.gz")
        if arch == "armv7l":
            yield _Places(f"{top}netboot/vmlinuz", f"{top}netboot/initrd.gz")
    # Ubuntu's servers from 22.04 on.
    for place in (f"netboot/{deb_arch}/", ""):
        yield _Places(f"{place}linux", f"{place}initrd")
    suse = "i386" if arch == "i686" else arch
    loader = f"boot/{suse}/loader/" if arch in ("x86_64", "i686") else f"boot/{suse}/"
    yield _Places(f"{loader}linux", f"{loader}initrd", "install")
    # The directory with the files itself.
    yield _Places(kernel, "initrd.gz")
    yield _Places("vmlinuz", "initrd.img")


def _words(base: str) -> str:
    """A tree without .treeinfo tells its OS by its address alone."""
    parts = urlsplit(base)
    return re.sub(r"[^A-Za-z0-9.]+", " ", f"{parts.hostname} {parts.path}").strip()
