"""Types of libvirt-python, as far as tuivm uses it; kept exact by tests/unit/test_libvirt_stub.py.

Constants are those of libvirt 9.0, the oldest that tuivm is built for.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypedDict, TypeVar

_T = TypeVar("_T")
_StatValue: TypeAlias = int | float | bool | str
_RawError: TypeAlias = tuple[int, int, str, int, str | None, str | None, str | None, int, int]

class _Address(TypedDict):
    addr: str
    prefix: int
    type: int

class _Interface(TypedDict):
    addrs: list[_Address] | None
    hwaddr: str | None

class libvirtError(Exception):
    err: _RawError | None
    def __init__(self, defmsg: str) -> None: ...
    def get_error_code(self) -> int | None: ...
    def get_error_domain(self) -> int | None: ...
    def get_error_message(self) -> str | None: ...
    def get_error_level(self) -> int | None: ...
    def get_str1(self) -> str | None: ...
    def get_str2(self) -> str | None: ...
    def get_str3(self) -> str | None: ...
    def get_int1(self) -> int | None: ...
    def get_int2(self) -> int | None: ...

def open(name: str | None = None) -> virConnect: ...
def openReadOnly(name: str | None = None) -> virConnect: ...
def openAuth(uri: str | None, auth: list[Any], flags: int = 0) -> virConnect: ...
def getVersion(name: str | None = None) -> int: ...
def registerErrorHandler(f: Callable[[_T, _RawError], None], ctx: _T) -> int: ...
def virEventRegisterDefaultImpl() -> int: ...
def virEventRunDefaultImpl() -> int: ...

class virConnect:
    def close(self) -> int: ...
    def isAlive(self) -> int: ...
    def isEncrypted(self) -> int: ...
    def isSecure(self) -> int: ...
    def getURI(self) -> str: ...
    def getType(self) -> str: ...
    def getVersion(self) -> int: ...
    def getLibVersion(self) -> int: ...
    def getHostname(self) -> str: ...
    def getInfo(self) -> list[Any]: ...
    def getCapabilities(self) -> str: ...
    def getCPUMap(self, flags: int = 0) -> tuple[int, list[bool], int]: ...
    def getCPUStats(self, cpuNum: int, flags: int = 0) -> dict[str, int]: ...
    def getMemoryStats(self, cellNum: int, flags: int = 0) -> dict[str, int]: ...
    def getFreeMemory(self) -> int: ...
    def setKeepAlive(self, interval: int, count: int) -> int: ...
    def registerCloseCallback(
        self, cb: Callable[[virConnect, int, _T], None], opaque: _T
    ) -> int: ...
    def unregisterCloseCallback(self) -> None: ...
    def domainEventRegisterAny(
        self, dom: virDomain | None, eventID: int, cb: Callable[..., None], opaque: object
    ) -> int: ...
    def domainEventDeregisterAny(self, callbackID: int) -> None: ...
    def numOfDomains(self) -> int: ...
    def listAllDomains(self, flags: int = 0) -> list[virDomain]: ...
    def listAllStoragePools(self, flags: int = 0) -> list[virStoragePool]: ...
    def getAllDomainStats(
        self, stats: int = 0, flags: int = 0
    ) -> list[tuple[virDomain, dict[str, _StatValue]]]: ...
    def domainListGetStats(
        self, doms: Sequence[virDomain], stats: int = 0, flags: int = 0
    ) -> list[tuple[virDomain, dict[str, _StatValue]]]: ...
    def lookupByName(self, name: str) -> virDomain: ...
    def lookupByID(self, id: int) -> virDomain: ...
    def lookupByUUIDString(self, uuidstr: str) -> virDomain: ...
    def defineXML(self, xml: str) -> virDomain: ...
    def defineXMLFlags(self, xml: str, flags: int = 0) -> virDomain: ...
    def createXML(self, xmlDesc: str, flags: int = 0) -> virDomain: ...
    def networkLookupByUUIDString(self, uuidstr: str) -> virNetwork: ...
    def networkCreateXML(self, xmlDesc: str) -> virNetwork: ...
    def storagePoolLookupByName(self, name: str) -> virStoragePool: ...
    def storagePoolLookupByTargetPath(self, path: str) -> virStoragePool: ...
    def storagePoolDefineXML(self, xml: str, flags: int = 0) -> virStoragePool: ...
    def storagePoolCreateXML(self, xmlDesc: str, flags: int = 0) -> virStoragePool: ...
    def storageVolLookupByPath(self, path: str) -> virStorageVol: ...
    def storageVolLookupByKey(self, key: str) -> virStorageVol: ...

class virDomain:
    def connect(self) -> virConnect: ...
    def ID(self) -> int: ...
    def name(self) -> str: ...
    def UUIDString(self) -> str: ...
    def isActive(self) -> int: ...
    def isPersistent(self) -> int: ...
    def isUpdated(self) -> int: ...
    def autostart(self) -> int: ...
    def setAutostart(self, autostart: int) -> int: ...
    def state(self, flags: int = 0) -> list[int]: ...
    def info(self) -> list[int]: ...
    def XMLDesc(self, flags: int = 0) -> str: ...
    def OSType(self) -> str: ...
    def create(self) -> int: ...
    def createWithFlags(self, flags: int = 0) -> int: ...
    def shutdown(self) -> int: ...
    def shutdownFlags(self, flags: int = 0) -> int: ...
    def reboot(self, flags: int = 0) -> int: ...
    def reset(self, flags: int = 0) -> int: ...
    def destroy(self) -> int: ...
    def destroyFlags(self, flags: int = 0) -> int: ...
    def suspend(self) -> int: ...
    def resume(self) -> int: ...
    def pMWakeup(self, flags: int = 0) -> int: ...
    def managedSave(self, flags: int = 0) -> int: ...
    def hasManagedSaveImage(self, flags: int = 0) -> int: ...
    def managedSaveRemove(self, flags: int = 0) -> int: ...
    def rename(self, new_name: str, flags: int = 0) -> int: ...
    def undefine(self) -> int: ...
    def undefineFlags(self, flags: int = 0) -> int: ...
    def attachDeviceFlags(self, xml: str, flags: int = 0) -> int: ...
    def detachDeviceFlags(self, xml: str, flags: int = 0) -> int: ...
    def blockInfo(self, path: str, flags: int = 0) -> list[int]: ...
    def blockStats(self, path: str) -> tuple[int, int, int, int, int]: ...
    def interfaceStats(self, path: str) -> tuple[int, int, int, int, int, int, int, int]: ...
    def interfaceAddresses(self, source: int, flags: int = 0) -> dict[str, _Interface]: ...
    def guestInfo(self, types: int = 0, flags: int = 0) -> dict[str, Any]: ...
    def snapshotNum(self, flags: int = 0) -> int: ...
    def listAllSnapshots(self, flags: int = 0) -> list[virDomainSnapshot]: ...
    def snapshotCreateXML(self, xmlDesc: str, flags: int = 0) -> virDomainSnapshot: ...
    def listAllCheckpoints(self, flags: int = 0) -> list[virDomainCheckpoint]: ...
    def snapshotLookupByName(self, name: str, flags: int = 0) -> virDomainSnapshot: ...
    def checkpointLookupByName(self, name: str, flags: int = 0) -> virDomainCheckpoint: ...
    def checkpointCreateXML(self, xmlDesc: str, flags: int = 0) -> virDomainCheckpoint: ...

class virDomainSnapshot:
    def getName(self) -> str: ...
    def getXMLDesc(self, flags: int = 0) -> str: ...
    def delete(self, flags: int = 0) -> int: ...

class virDomainCheckpoint:
    def getName(self) -> str: ...
    def getXMLDesc(self, flags: int = 0) -> str: ...
    def delete(self, flags: int = 0) -> int: ...

class virNetwork:
    def name(self) -> str: ...
    def UUIDString(self) -> str: ...
    def isActive(self) -> int: ...
    def bridgeName(self) -> str: ...
    def create(self) -> int: ...
    def destroy(self) -> int: ...
    def undefine(self) -> int: ...

class virStoragePool:
    def name(self) -> str: ...
    def UUIDString(self) -> str: ...
    def isActive(self) -> int: ...
    def isPersistent(self) -> int: ...
    def info(self) -> list[int]: ...
    def XMLDesc(self, flags: int = 0) -> str: ...
    def build(self, flags: int = 0) -> int: ...
    def create(self, flags: int = 0) -> int: ...
    def refresh(self, flags: int = 0) -> int: ...
    def destroy(self) -> int: ...
    def undefine(self) -> int: ...
    def listAllVolumes(self, flags: int = 0) -> list[virStorageVol]: ...
    def storageVolLookupByName(self, name: str) -> virStorageVol: ...
    def createXML(self, xmlDesc: str, flags: int = 0) -> virStorageVol: ...

class virStorageVol:
    def name(self) -> str: ...
    def key(self) -> str: ...
    def path(self) -> str: ...
    def info(self) -> list[int]: ...
    def XMLDesc(self, flags: int = 0) -> str: ...
    def delete(self, flags: int = 0) -> int: ...
    def storagePoolLookupByVolume(self) -> virStoragePool: ...

VIR_CONNECT_CLOSE_REASON_CLIENT: int
VIR_CONNECT_CLOSE_REASON_EOF: int
VIR_CONNECT_CLOSE_REASON_ERROR: int
VIR_CONNECT_CLOSE_REASON_KEEPALIVE: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF: int
VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT: int
VIR_CONNECT_LIST_DOMAINS_ACTIVE: int
VIR_CONNECT_LIST_DOMAINS_AUTOSTART: int
VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT: int
VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT: int
VIR_CONNECT_LIST_DOMAINS_INACTIVE: int
VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE: int
VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART: int
VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT: int
VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE: int
VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT: int
VIR_CONNECT_LIST_DOMAINS_OTHER: int
VIR_CONNECT_LIST_DOMAINS_PAUSED: int
VIR_CONNECT_LIST_DOMAINS_PERSISTENT: int
VIR_CONNECT_LIST_DOMAINS_RUNNING: int
VIR_CONNECT_LIST_DOMAINS_SHUTOFF: int
VIR_CONNECT_LIST_DOMAINS_TRANSIENT: int
VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE: int
VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE: int
VIR_CONNECT_NO_ALIASES: int
VIR_CONNECT_RO: int
VIR_CRED_AUTHNAME: int
VIR_CRED_CNONCE: int
VIR_CRED_ECHOPROMPT: int
VIR_CRED_EXTERNAL: int
VIR_CRED_LANGUAGE: int
VIR_CRED_NOECHOPROMPT: int
VIR_CRED_PASSPHRASE: int
VIR_CRED_REALM: int
VIR_CRED_USERNAME: int
VIR_DOMAIN_AFFECT_CONFIG: int
VIR_DOMAIN_AFFECT_CURRENT: int
VIR_DOMAIN_AFFECT_LIVE: int
VIR_DOMAIN_BLOCKED: int
VIR_DOMAIN_BLOCKED_UNKNOWN: int
VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN: int
VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY: int
VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY: int
VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS: int
VIR_DOMAIN_CHECKPOINT_LIST_LEAVES: int
VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES: int
VIR_DOMAIN_CHECKPOINT_LIST_ROOTS: int
VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL: int
VIR_DOMAIN_CRASHED: int
VIR_DOMAIN_CRASHED_PANICKED: int
VIR_DOMAIN_CRASHED_UNKNOWN: int
VIR_DOMAIN_DESTROY_DEFAULT: int
VIR_DOMAIN_DESTROY_GRACEFUL: int
VIR_DOMAIN_DESTROY_REMOVE_LOGS: int
VIR_DOMAIN_EVENT_CRASHED: int
VIR_DOMAIN_EVENT_DEFINED: int
VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE: int
VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE: int
VIR_DOMAIN_EVENT_ID_DEVICE_ADDED: int
VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED: int
VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: int
VIR_DOMAIN_EVENT_ID_DISK_CHANGE: int
VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON: int
VIR_DOMAIN_EVENT_ID_LIFECYCLE: int
VIR_DOMAIN_EVENT_ID_METADATA_CHANGE: int
VIR_DOMAIN_EVENT_ID_REBOOT: int
VIR_DOMAIN_EVENT_ID_TRAY_CHANGE: int
VIR_DOMAIN_EVENT_PMSUSPENDED: int
VIR_DOMAIN_EVENT_RESUMED: int
VIR_DOMAIN_EVENT_SHUTDOWN: int
VIR_DOMAIN_EVENT_STARTED: int
VIR_DOMAIN_EVENT_STOPPED: int
VIR_DOMAIN_EVENT_SUSPENDED: int
VIR_DOMAIN_EVENT_UNDEFINED: int
VIR_DOMAIN_GUEST_INFO_INTERFACES: int
VIR_DOMAIN_GUEST_INFO_OS: int
VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT: int
VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP: int
VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE: int
VIR_DOMAIN_NOSTATE: int
VIR_DOMAIN_NOSTATE_UNKNOWN: int
VIR_DOMAIN_PAUSED: int
VIR_DOMAIN_PAUSED_CRASHED: int
VIR_DOMAIN_PAUSED_DUMP: int
VIR_DOMAIN_PAUSED_FROM_SNAPSHOT: int
VIR_DOMAIN_PAUSED_IOERROR: int
VIR_DOMAIN_PAUSED_MIGRATION: int
VIR_DOMAIN_PAUSED_POSTCOPY: int
VIR_DOMAIN_PAUSED_POSTCOPY_FAILED: int
VIR_DOMAIN_PAUSED_SAVE: int
VIR_DOMAIN_PAUSED_SHUTTING_DOWN: int
VIR_DOMAIN_PAUSED_SNAPSHOT: int
VIR_DOMAIN_PAUSED_STARTING_UP: int
VIR_DOMAIN_PAUSED_UNKNOWN: int
VIR_DOMAIN_PAUSED_USER: int
VIR_DOMAIN_PAUSED_WATCHDOG: int
VIR_DOMAIN_PMSUSPENDED: int
VIR_DOMAIN_PMSUSPENDED_DISK_UNKNOWN: int
VIR_DOMAIN_PMSUSPENDED_UNKNOWN: int
VIR_DOMAIN_REBOOT_ACPI_POWER_BTN: int
VIR_DOMAIN_REBOOT_DEFAULT: int
VIR_DOMAIN_REBOOT_GUEST_AGENT: int
VIR_DOMAIN_REBOOT_INITCTL: int
VIR_DOMAIN_REBOOT_PARAVIRT: int
VIR_DOMAIN_REBOOT_SIGNAL: int
VIR_DOMAIN_RUNNING: int
VIR_DOMAIN_RUNNING_BOOTED: int
VIR_DOMAIN_RUNNING_CRASHED: int
VIR_DOMAIN_RUNNING_FROM_SNAPSHOT: int
VIR_DOMAIN_RUNNING_MIGRATED: int
VIR_DOMAIN_RUNNING_MIGRATION_CANCELED: int
VIR_DOMAIN_RUNNING_POSTCOPY: int
VIR_DOMAIN_RUNNING_POSTCOPY_FAILED: int
VIR_DOMAIN_RUNNING_RESTORED: int
VIR_DOMAIN_RUNNING_SAVE_CANCELED: int
VIR_DOMAIN_RUNNING_UNKNOWN: int
VIR_DOMAIN_RUNNING_UNPAUSED: int
VIR_DOMAIN_RUNNING_WAKEUP: int
VIR_DOMAIN_SAVE_BYPASS_CACHE: int
VIR_DOMAIN_SAVE_IMAGE_XML_SECURE: int
VIR_DOMAIN_SAVE_RESET_NVRAM: int
VIR_DOMAIN_SAVE_RUNNING: int
VIR_DOMAIN_SHUTDOWN: int
VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN: int
VIR_DOMAIN_SHUTDOWN_DEFAULT: int
VIR_DOMAIN_SHUTDOWN_GUEST_AGENT: int
VIR_DOMAIN_SHUTDOWN_INITCTL: int
VIR_DOMAIN_SHUTDOWN_PARAVIRT: int
VIR_DOMAIN_SHUTDOWN_SIGNAL: int
VIR_DOMAIN_SHUTDOWN_UNKNOWN: int
VIR_DOMAIN_SHUTDOWN_USER: int
VIR_DOMAIN_SHUTOFF: int
VIR_DOMAIN_SHUTOFF_CRASHED: int
VIR_DOMAIN_SHUTOFF_DAEMON: int
VIR_DOMAIN_SHUTOFF_DESTROYED: int
VIR_DOMAIN_SHUTOFF_FAILED: int
VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT: int
VIR_DOMAIN_SHUTOFF_MIGRATED: int
VIR_DOMAIN_SHUTOFF_SAVED: int
VIR_DOMAIN_SHUTOFF_SHUTDOWN: int
VIR_DOMAIN_SHUTOFF_UNKNOWN: int
VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE: int
VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY: int
VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN: int
VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY: int
VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY: int
VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE: int
VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS: int
VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY: int
VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL: int
VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE: int
VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL: int
VIR_DOMAIN_SNAPSHOT_LIST_LEAVES: int
VIR_DOMAIN_SNAPSHOT_LIST_METADATA: int
VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES: int
VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA: int
VIR_DOMAIN_SNAPSHOT_LIST_ROOTS: int
VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL: int
VIR_DOMAIN_START_AUTODESTROY: int
VIR_DOMAIN_START_BYPASS_CACHE: int
VIR_DOMAIN_START_FORCE_BOOT: int
VIR_DOMAIN_START_PAUSED: int
VIR_DOMAIN_START_RESET_NVRAM: int
VIR_DOMAIN_START_VALIDATE: int
VIR_DOMAIN_STATS_BALLOON: int
VIR_DOMAIN_STATS_BLOCK: int
VIR_DOMAIN_STATS_CPU_TOTAL: int
VIR_DOMAIN_STATS_DIRTYRATE: int
VIR_DOMAIN_STATS_INTERFACE: int
VIR_DOMAIN_STATS_IOTHREAD: int
VIR_DOMAIN_STATS_MEMORY: int
VIR_DOMAIN_STATS_PERF: int
VIR_DOMAIN_STATS_STATE: int
VIR_DOMAIN_STATS_VCPU: int
VIR_DOMAIN_STATS_VM: int
VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA: int
VIR_DOMAIN_UNDEFINE_KEEP_NVRAM: int
VIR_DOMAIN_UNDEFINE_KEEP_TPM: int
VIR_DOMAIN_UNDEFINE_MANAGED_SAVE: int
VIR_DOMAIN_UNDEFINE_NVRAM: int
VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA: int
VIR_DOMAIN_UNDEFINE_TPM: int
VIR_DOMAIN_XML_INACTIVE: int
VIR_DOMAIN_XML_MIGRATABLE: int
VIR_DOMAIN_XML_SECURE: int
VIR_DOMAIN_XML_UPDATE_CPU: int
VIR_ERR_ACCESS_DENIED: int
VIR_ERR_AGENT_UNRESPONSIVE: int
VIR_ERR_AGENT_UNSYNCED: int
VIR_ERR_ARGUMENT_UNSUPPORTED: int
VIR_ERR_AUTH_CANCELLED: int
VIR_ERR_AUTH_FAILED: int
VIR_ERR_AUTH_UNAVAILABLE: int
VIR_ERR_CALL_FAILED: int
VIR_ERR_CONFIG_UNSUPPORTED: int
VIR_ERR_DEVICE_MISSING: int
VIR_ERR_DOM_EXIST: int
VIR_ERR_GET_FAILED: int
VIR_ERR_INTERNAL_ERROR: int
VIR_ERR_INVALID_ARG: int
VIR_ERR_INVALID_CONN: int
VIR_ERR_INVALID_DOMAIN: int
VIR_ERR_INVALID_STORAGE_POOL: int
VIR_ERR_INVALID_STORAGE_VOL: int
VIR_ERR_LIBSSH: int
VIR_ERR_NO_CLIENT: int
VIR_ERR_NO_CONNECT: int
VIR_ERR_NO_DOMAIN: int
VIR_ERR_NO_DOMAIN_CHECKPOINT: int
VIR_ERR_NO_DOMAIN_METADATA: int
VIR_ERR_NO_DOMAIN_SNAPSHOT: int
VIR_ERR_NO_KERNEL: int
VIR_ERR_NO_SERVER: int
VIR_ERR_NO_SOURCE: int
VIR_ERR_NO_STORAGE_POOL: int
VIR_ERR_NO_STORAGE_VOL: int
VIR_ERR_NO_SUPPORT: int
VIR_ERR_OK: int
VIR_ERR_OPEN_FAILED: int
VIR_ERR_OPERATION_ABORTED: int
VIR_ERR_OPERATION_DENIED: int
VIR_ERR_OPERATION_FAILED: int
VIR_ERR_OPERATION_INVALID: int
VIR_ERR_OPERATION_TIMEOUT: int
VIR_ERR_OPERATION_UNSUPPORTED: int
VIR_ERR_RESOURCE_BUSY: int
VIR_ERR_RPC: int
VIR_ERR_SSH: int
VIR_ERR_STORAGE_PROBE_FAILED: int
VIR_ERR_SYSTEM_ERROR: int
VIR_ERR_UNKNOWN_HOST: int
VIR_ERR_XML_DETAIL: int
VIR_ERR_XML_ERROR: int
VIR_FROM_AUTH: int
VIR_FROM_LIBSSH: int
VIR_FROM_POLKIT: int
VIR_FROM_QEMU: int
VIR_FROM_REMOTE: int
VIR_FROM_RPC: int
VIR_FROM_SSH: int
VIR_FROM_TEST: int
VIR_IP_ADDR_TYPE_IPV4: int
VIR_IP_ADDR_TYPE_IPV6: int
VIR_NODE_CPU_STATS_ALL_CPUS: int
VIR_NODE_MEMORY_STATS_ALL_CELLS: int
VIR_STORAGE_POOL_BUILDING: int
VIR_STORAGE_POOL_DEGRADED: int
VIR_STORAGE_POOL_INACCESSIBLE: int
VIR_STORAGE_POOL_INACTIVE: int
VIR_STORAGE_POOL_RUNNING: int
VIR_STORAGE_VOL_BLOCK: int
VIR_STORAGE_VOL_DELETE_NORMAL: int
VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS: int
VIR_STORAGE_VOL_DELETE_ZEROED: int
VIR_STORAGE_VOL_DIR: int
VIR_STORAGE_VOL_FILE: int
VIR_STORAGE_VOL_NETDIR: int
VIR_STORAGE_VOL_NETWORK: int
VIR_STORAGE_VOL_PLOOP: int
