"""Real hosts, and trial connections."""

from __future__ import annotations

from concurrent.futures import Future

import libvirt

from tuivm.hypervisor.connect import Asker, open_link
from tuivm.hypervisor.errors import problem_from, problem_of
from tuivm.hypervisor.facts import quick_facts
from tuivm.hypervisor.host import LibvirtHost
from tuivm.hypervisor.lanes import Lanes
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import Sinks, Trial

TRIAL_DEADLINE = 20.0
TRIALS = 2


class LibvirtHosts:
    """See `model.ports.HostMaker`."""

    def __init__(self) -> None:
        self._trials = Lanes("trial", TRIALS)

    def make(self, spec: HostSpec, sinks: Sinks) -> LibvirtHost:
        return LibvirtHost(spec, sinks)

    def try_out(self, uri: str, *, readonly: bool, sinks: Sinks) -> Future[Trial]:
        asker = Asker(uri, sinks.credentials)
        what = f"cannot connect to {uri}"

        def run() -> Trial:
            try:
                return _look(uri, readonly=readonly, asker=asker)
            except libvirt.libvirtError as error:
                return Trial(problem=problem_from(what, error, uri))

        def late(words: str) -> Trial:
            asker.give_up()
            return Trial(problem=problem_of(what, words.partition(";")[0], uri))

        return self._trials.submit(
            run, deadline=TRIAL_DEADLINE, late=late, hold=lambda: asker.asking
        )


def _look(uri: str, *, readonly: bool, asker: Asker) -> Trial:
    link = open_link(uri, readonly=readonly, asker=asker)
    try:
        # Capabilities can take the daemon a minute; a trial need not wait for them.
        facts = quick_facts(link.conn, link.conn.getURI())
        return Trial(facts=facts, guests=len(link.conn.listAllDomains(0)))
    finally:
        link.discard()
