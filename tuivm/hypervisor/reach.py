"""Can QEMU's user get at a file of this machine? libvirt hands over the file, not the way to it."""

from __future__ import annotations

import os
import pwd
import re
import stat
import struct
from pathlib import Path
from typing import NamedTuple

_LABEL = re.compile(r"\+?(\d+):\+?(\d+)")
_ACL = "system.posix_acl_access"
_ACL_VERSION = 2
# Tags of linux/posix_acl.h.
_ACL_USER = 0x02
_ACL_GROUP = 0x08
_ACL_MASK = 0x10
_EXECUTE = 1


class Identity(NamedTuple):
    """Numbers of a user and of all the groups it is in."""

    user: int
    groups: frozenset[int]


def qemu_identity(label: str, *, session: bool) -> Identity | None:
    """Who QEMU runs as on this machine; None where that is not told.

    label: as `Capabilities.qemu_user` has it. In a session it is the user of this program.
    """
    if session:
        return Identity(os.geteuid(), frozenset({os.getegid(), *os.getgroups()}))
    match = _LABEL.fullmatch(label)
    if match is None:
        return None
    user, group = int(match[1]), int(match[2])
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        return Identity(user, frozenset({group}))
    return Identity(user, frozenset(os.getgrouplist(name, group)))


def closed_directories(path: str, who: Identity | None) -> tuple[str, ...]:
    """Directories on the way to a path, the outermost first, that `who` may not search.

    Access control lists count. What this user cannot look at is left out; () where `who` is not
    known.
    """
    if who is None or who.user == 0 or not path.startswith("/"):
        return ()
    try:
        parents = Path(os.path.realpath(path)).parents
    except (OSError, ValueError):
        return ()
    return tuple(str(one) for one in reversed(parents) if _searchable(one, who) is False)


def _searchable(directory: Path, who: Identity) -> bool | None:
    try:
        found = directory.stat()
    except (OSError, ValueError):
        return None
    if found.st_uid == who.user:
        return bool(found.st_mode & stat.S_IXUSR)
    listed = _by_list(directory, who)
    if listed is not None:
        return listed
    if found.st_gid in who.groups:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _by_list(directory: Path, who: Identity) -> bool | None:
    """What the directory's access control list says; None where it has none, or none for them."""
    try:
        data = os.getxattr(directory, _ACL)
    except OSError:
        return None
    try:
        if struct.unpack_from("<I", data)[0] != _ACL_VERSION:
            return None
        entries = list(struct.iter_unpack("<HHI", data[4:]))
    except struct.error:
        return None
    mask = next((allowed for tag, allowed, _ in entries if tag == _ACL_MASK), 7)
    for tag, allowed, number in entries:
        if tag == _ACL_USER and number == who.user:
            return bool(allowed & mask & _EXECUTE)
    groups = [a for tag, a, number in entries if tag == _ACL_GROUP and number in who.groups]
    return any(allowed & mask & _EXECUTE for allowed in groups) if groups else None
