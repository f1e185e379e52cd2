"""Reading `<pool>`: what kind of storage it is and how much of it is left.

The document is described in libvirt's formatstorage page; of volumes, `domainxml.storage` reads it.
"""

from __future__ import annotations

from tuivm.domainxml.parse import attr, number, parse_xml, text
from tuivm.model.offers import Pool


def read_pool(xml: str, *, active: bool) -> Pool:
    """Without its volumes. Raises ValueError, with the reason, for what is no `<pool>`.

    What a pool that is not active says of its space is of no use: it is 0 then.
    """
    pool = parse_xml(xml, "pool")
    # libvirt writes bytes, whatever unit a definition had.
    capacity, available = (number(text(pool, tag)) or 0 for tag in ("capacity", "available"))
    return Pool(
        name=text(pool, "name"),
        kind=attr(pool, "type"),
        active=active,
        path=text(pool, "target/path"),
        capacity=capacity if active else 0,
        available=available if active else 0,
    )
