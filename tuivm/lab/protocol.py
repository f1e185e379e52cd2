"""The line between the Lab and the appliance: JSON objects, one a line, UTF-8.

Over the virtio-serial port `ports.CHANNEL`. Devices are named by what the Lab gave them, never by
their order: a disk by its serial number, a NIC by its MAC address (lower case, with colons).

From the appliance, unasked, once it can take orders:
    {"type": "hello", "protocol": 1, "generator": "fio 3.33" | "tuivm (libaio)", "kernel": "6.1.0",
     "arch": "x86_64", "boot": seconds since the kernel started, "remarks": [sentences]}

To the appliance, and what it answers. `id` (int) is the order's, and comes back in its answers;
an order that cannot be carried out is answered {"type": "failed", "id", "why"}. One order is worked
off at a time, except that "stop" ends the one that runs and "load" goes on in the background.

    {"do": "devices", "id"}
        {"type": "devices", "id", "disks": [{"serial", "name": "vda", "size": bytes, "driver",
         "model", "address": "0000:00:05.0"}], "nics": [{"mac", "name": "eth0", "driver",
         "address"}]}
    {"do": "wait", "id", "serials": [...], "macs": [...], "timeout": s}
        the same as "devices", when all of these are there; "failed" with those that are missing
    {"do": "io", "id", "serial", "op": "read", "size": bytes, "depth", "requests", "seed",
     "sequential": bool, "traced": bool, "anew": bool (may be left out)}
        Direct I/O at random aligned offsets (sequential: one after the other). Reads only, unless
        op is "write" (demo guests' own disks). traced: nothing else is to happen in the guest
        meanwhile (no progress messages, the fallback generator with plain preads at depth 1).
        "generator": "tuivm", where it is said, is the fallback even where there is fio, whose start
        takes half a second a trial under TCG. A disk's I/O scheduler is set to "none".
        anew: an NVMe controller is reset before.
        {"type": "progress", "id", "done": requests, "seconds"}   every 0.25 s unless traced
        {"type": "done", "id", "requests", "bytes", "seconds", "p50", "p95", "p99" (ns),
         "interrupts": of the device meanwhile, "generator"}
    {"do": "frames", "id", "mac", "peer": MAC, "mode": "send" | "pingpong", "size": bytes of the
     Ethernet frame without FCS, "requests", "traced"}
        send: that many frames from mac to peer, as fast as they arrive (at most 64 are on their
        way), until the last has arrived or 1 s has passed without one. pingpong: one frame there
        and one back, again and again; latency is of the round trip, and requests are round trips.
        {"type": "progress", ...} and {"type": "done", "id", "requests": frames sent, "bytes",
         "seconds", "arrived": frames, "p50", "p95", "p99" (pingpong only), "interrupts": of the
         device of mac, "peer_interrupts", "generator": "tuivm (packet socket)"}
    {"do": "compute", "id", "kind": "compute" | "faults" | "exits", "requests"}
        compute: rounds of SHA-256 over 64 KiB; faults: first touches of a page; exits: reads of an
        I/O port that QEMU has to answer (0x80-like harmless one through /dev/port).
        {"type": "done", "id", "requests", "bytes": 0, "seconds", "generator": "tuivm"}
    {"do": "io" | "frames" | "compute", …, "held": true}
        {"type": "ready", "id"}: nothing but the work itself is left to do. It begins with
        {"do": "go", "id"}, so that counters can be read just before.
    {"do": "load", "id", "serials": [...], "macs": [[mac, peer], ...], "rate": requests a second of
     each device, "size", "writes": bool}
        Goes on until it is stopped; answered {"type": "begun", "id"} at once. A peer may be
        another guest's.
    {"do": "stop", "id"}
        {"type": "stopped", "id"}: nothing runs any more. What was stopped answers "failed" with
        why "stopped" first.
    {"do": "poweroff", "id"}
"""

from __future__ import annotations

VERSION = 1
HELLO_DEADLINE = 90.0
"""Seconds from start in which an appliance says hello, on a slow host under TCG."""
