"""Creating a guest: volumes made and filled, the guest defined and started, or nothing at all."""

from __future__ import annotations

import logging
import uuid as uuids
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import libvirt
from lxml import etree

from tuivm.domainxml.firstboot import Mark, marked
from tuivm.domainxml.parse import Element, child_attr, parse_domain, text
from tuivm.domainxml.storage import nvram_path
from tuivm.hypervisor.creating_job import CreationStoppedError, Job, MadeGuest, connected
from tuivm.hypervisor.creating_pools import make_pool
from tuivm.hypervisor.creating_undo import undo
from tuivm.hypervisor.creating_volumes import Opener, Volumes
from tuivm.hypervisor.errors import problem_from, reason_of
from tuivm.hypervisor.firstboot import set_mark
from tuivm.model.creation import Created, CreationPlan, CreationProgress, Placed, VolumeOrder
from tuivm.model.hosts import Problem

_log = logging.getLogger(__name__)

T = TypeVar("T")

RECONNECT = 30.0
"""Seconds that a lost host has to come back in, for what was made on it to be removed."""


def run(
    open_conn: Opener,
    plan: CreationPlan,
    told: Callable[[CreationProgress], None],
    cancelled: Callable[[], bool],
    *,
    host: str,
    uri: str,
    local: bool,
    patience: float = RECONNECT,
) -> Created:
    """Carry a plan out. On any failure, cancellation or loss of the connection, everything that
    this run made is removed again, and nothing else. Blocks for as long as that takes.

    open_conn: a connection that nobody else uses meanwhile; opened anew after a loss, and beside
    the first to watch a copy. cancelled: asked before each step and in transfers. local: the host
    is this machine. patience: seconds that a lost host has to come back in.
    """
    what = f"{plan.spec.name or 'the guest'} was not created"
    try:
        identity = _Identity(plan)
    except ValueError as error:
        return Created(name=plan.spec.name, problem=Problem(what, f"its XML is none: {error}"))
    job = Job(identity.name, uri, told, cancelled)
    work = _Creation(open_conn, plan, identity, job, local=local)
    problem: Problem | None = None
    left: tuple[str, ...] = ()
    finished = False
    try:
        with open_conn() as conn:
            work.carry_out(conn)
        finished = True
    except CreationStoppedError as stop:
        problem = stop.problem
    except libvirt.libvirtError as error:
        problem = problem_from(f"cannot create {identity.name} on {host}", error, uri)
    finally:
        # Also when the program itself is at fault, for whom no words are made here.
        if not finished:
            left = undo(open_conn, job, patience)
    if problem is not None:
        _log.warning("%s on %s: %s: %s", identity.name, host, problem.what, problem.reason)
    else:
        _log.info("created %s on %s", identity.name, host)
    return Created(
        uuid=identity.uuid if problem is None else "",
        name=identity.name,
        started=work.started and problem is None,
        problem=problem,
        steps=tuple(job.steps),
        left=left,
    )


class _Identity:
    """Name, UUID and first MAC of the guest, as the XML has them; and both definitions with just
    that name and UUID."""

    def __init__(self, plan: CreationPlan) -> None:
        """Raises ValueError for what is no definition of a guest."""
        domain = parse_domain(plan.xml)
        self.name = text(domain, "name")
        if not self.name:
            raise ValueError("it has no name")
        given = text(domain, "uuid") or plan.spec.uuid
        # As libvirt writes it, to be compared with what libvirt says.
        self.uuid = str(uuids.UUID(given)) if given else str(uuids.uuid4())
        self.mac = child_attr(domain, "devices/interface/mac", "address")
        self.xml = self._with(domain)
        self.first_xml = self._with(parse_domain(plan.first_xml)) if plan.first_xml else ""

    def _with(self, domain: Element) -> str:
        for at, (tag, value) in enumerate((("name", self.name), ("uuid", self.uuid))):
            element = domain.find(tag)
            if element is None:
                element = etree.Element(tag)
                domain.insert(at, element)
            element.text = value
        return etree.tostring(domain, encoding="unicode")


class _Creation:
    def __init__(
        self,
        open_conn: Opener,
        plan: CreationPlan,
        identity: _Identity,
        job: Job,
        *,
        local: bool,
    ) -> None:
        self._open = open_conn
        self._plan = plan
        self._identity = identity
        self._job = job
        self._local = local
        self.started = False

    def carry_out(self, conn: libvirt.virConnect) -> None:
        """Raises CreationStoppedError."""
        job, plan = self._job, self._plan
        job.check()
        self._require_free(conn)
        for order in plan.pools:
            make_pool(conn, job, order, local=self._local)
        volumes = Volumes(conn, job, self._open, self._seed)
        made = [volumes.make(order) for order in plan.volumes]
        job.check()
        mark = self._mark(made)
        domain = self._define(conn, mark)
        if plan.spec.autostart:
            self._try("set autostart", lambda: domain.setAutostart(1))
            job.did("set autostart")
        if plan.spec.start:
            job.check()
            self._start(conn, domain, mark)

    def _require_free(self, conn: libvirt.virConnect) -> None:
        """Neither name nor UUID is taken: libvirt would redefine a guest that has both."""
        name, uuid = self._identity.name, self._identity.uuid
        remedy = "choose another name"
        if self._try(f"look for {name}", lambda: _is_there(conn.lookupByName, name)):
            why = f"a guest of the name {name} is there already"
            raise CreationStoppedError(Problem(f"{name} was not created", why, remedy=remedy))
        if self._try(f"look for {uuid}", lambda: _is_there(conn.lookupByUUIDString, uuid)):
            why = f"a guest with the UUID {uuid} is there already"
            raise CreationStoppedError(
                Problem(f"{name} was not created", why, remedy="leave the UUID to tuivm")
            )

    def _seed(self, order: VolumeOrder) -> bytes:
        """Raises ValueError for what cloud-init cannot be told."""
        # Only one source in nine needs it.
        from tuivm.cloudseed import seed  # noqa: PLC0415

        assert order.seed is not None
        identity = self._identity
        return seed(order.seed, name=identity.name, instance_id=identity.uuid, mac=identity.mac)

    def _mark(self, made: list[Placed]) -> Mark | None:
        paths = {(one.pool, one.volume): one.path for one in made}
        volumes = tuple(
            one._replace(path=one.path or paths.get((one.pool, one.volume), ""))
            for one in self._plan.temporary
        )
        # One that is not started yet is defined as its first boot needs it.
        waits = bool(self._identity.first_xml) and not self._plan.spec.start
        after = self._identity.xml if waits else ""
        return Mark(self._identity.uuid, volumes, after=after) if volumes or after else None

    def _define(self, conn: libvirt.virConnect, mark: Mark | None) -> libvirt.virDomain:
        """The definition that stays; or, where it is not to be started now, the one of the first
        boot, which `firstboot` takes to the other when that is over."""
        job, identity = self._job, self._identity
        first = identity.first_xml if not self._plan.spec.start else ""
        xml = first or identity.xml
        if mark is not None:
            xml = marked(xml, mark)
        # Once more, as volumes may have taken their time.
        self._require_free(conn)
        job.say(f"Defining {identity.name}")
        guest = MadeGuest(identity.uuid, identity.name)
        try:
            domain = conn.defineXML(xml)
        except libvirt.libvirtError as error:
            if not connected(conn):
                job.guest = guest
            raise job.failed(f"define {identity.name}", error) from error
        job.guest = guest
        keep = self._try(f"read {identity.name}", lambda: self._has_nvram(domain))
        # A start is what makes the file: until then one of a remote host is not of this run.
        job.guest = guest._replace(keep_nvram=keep or not self._local)
        job.did(f"defined {identity.name}")
        return domain

    def _has_nvram(self, domain: libvirt.virDomain) -> bool:
        """A file of UEFI variables is there before the guest was ever started: some other guest of
        this name left it. Of a remote host that is not known."""
        path = nvram_path(parse_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))
        return bool(path) and self._local and Path(path).exists()

    def _start(
        self, conn: libvirt.virConnect, domain: libvirt.virDomain, mark: Mark | None
    ) -> None:
        job, identity = self._job, self._identity
        job.say(f"Starting {identity.name}")
        if job.guest is not None and not self._local:
            job.guest = job.guest._replace(keep_nvram=False)
        first = identity.first_xml
        if first:
            # libvirt starts a guest that is defined with another definition for this one run.
            xml = first if mark is None else marked(first, mark)
            self._try(f"start {identity.name}", lambda: conn.createXML(xml, 0))
        else:
            self._try(f"start {identity.name}", domain.create)
        self.started = True
        job.did(f"started {identity.name}")
        if mark is not None:
            try:
                set_mark(domain, mark._replace(begun=True))
            except libvirt.libvirtError as error:
                # The guest runs. Whoever sees it run makes up for this.
                _log.info("no mark on %s: %s", identity.name, reason_of(error))

    def _try(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except libvirt.libvirtError as error:
            raise self._job.failed(what, error) from error


def _is_there(find: Callable[[str], libvirt.virDomain], key: str) -> bool:
    try:
        find(key)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return False
        raise
    return True
