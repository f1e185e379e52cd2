"""Commands: each can be found, each key means one thing in a place, each says when it is off."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.binding import Binding, BindingsMap
from textual.screen import ModalScreen

from tests.support.simhost import Clock, SimHost, SimMaker
from tuivm.commands import BY_ID, COMMANDS
from tuivm.commands.base import (
    COMPARE,
    EVERYWHERE,
    GUEST,
    GUESTS,
    HOSTS,
    LAB,
    Command,
    CommandType,
    GuestCommand,
    Place,
    bindings,
    remapped,
)
from tuivm.desk import MOVING_KEYS
from tuivm.fleet import Fleet
from tuivm.keymap import is_key, normal, resolve
from tuivm.model.createports import CreationRun
from tuivm.model.guests import GuestKey, GuestState
from tuivm.model.hostrequests import HostRequest
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import HostPort
from tuivm.model.requests import Outcome, Request
from tuivm.model.store import STALE_AFTER, GuestView, HostStatus, Store
from tuivm.screens.compare import CompareScreen
from tuivm.screens.guest import GuestScreen
from tuivm.screens.guests import GuestsScreen
from tuivm.screens.hosts import HostsScreen
from tuivm.screens.lab import LabScreen
from tuivm.screens.place import PlaceScreen
from tuivm.widgets.hostlist import HostList
from tuivm.widgets.livetable import LiveTable

SCREENS: dict[str, type[PlaceScreen]] = {
    GUESTS: GuestsScreen,
    GUEST: GuestScreen,
    COMPARE: CompareScreen,
    HOSTS: HostsScreen,
    LAB: LabScreen,
}
by_id = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(COMMANDS)


@by_id
def test_a_command_can_be_found_and_understood(command: CommandType) -> None:
    assert command.__doc__
    assert command.__doc__ not in (Command.__doc__, GuestCommand.__doc__), "it says nothing itself"
    assert len(command.help()) > 20
    assert "\n" not in command.help()
    assert command.label
    assert command.group
    assert command.places <= EVERYWHERE
    assert command.places, "it can be reached from nowhere"
    assert command.keys, "nothing is reachable by the palette alone"


@by_id
def test_its_keys_are_keys(command: CommandType) -> None:
    for key in command.keys:
        assert is_key(key), key
        assert normal(key) == key, "the key map compares normal names"


def test_a_key_means_one_thing_in_a_place() -> None:
    for one, other in combinations(COMMANDS, 2):
        if one.places & other.places:
            assert not set(one.keys) & set(other.keys), (one.id, other.id)


def test_no_command_hides_behind_a_key_of_the_lists() -> None:
    """What moves in a list comes first, so the two may not overlap, and the app has to know all."""
    for command in COMMANDS:
        assert not set(command.keys) & set(MOVING_KEYS), command.id
    for widget in (LiveTable, HostList):
        for binding in Binding.make_bindings(widget.BINDINGS):
            assert binding.key in MOVING_KEYS, (widget, binding.key)


@pytest.mark.parametrize("place", SCREENS)
def test_a_screen_binds_what_its_place_has(place: str) -> None:
    bound = {
        binding.id: binding.key
        for binding in SCREENS[place].BINDINGS
        if isinstance(binding, Binding) and binding.id
    }
    wanted = {command.id: ",".join(command.keys) for command in COMMANDS if place in command.places}
    assert bound == wanted
    assert SCREENS[place].place == place


@pytest.mark.parametrize("place", SCREENS)
def test_a_screen_can_do_what_its_commands_ask(place: str) -> None:
    for command in COMMANDS:
        if command.id.startswith("screen.") and place in command.places:
            assert hasattr(SCREENS[place], f"do_{command.id.partition('.')[2]}"), command.id


def test_bindings_leave_out_other_places() -> None:
    made = {binding.id for binding in bindings(COMMANDS, COMPARE)}
    assert "guest.start" not in made
    assert {"program.help", "place.hosts", "screen.next_chart"} <= made


COMMAND_IDS = st.sampled_from([command.id for command in COMMANDS])
SOME_KEYS = st.sampled_from([key for command in COMMANDS for key in command.keys] + ["f9", "Z"])


@given(
    st.dictionaries(
        COMMAND_IDS,
        st.just("none") | st.lists(SOME_KEYS, min_size=1, max_size=2).map(",".join),
        max_size=6,
    ),
    st.lists(st.tuples(COMMAND_IDS, COMMAND_IDS), max_size=2),
)
def test_every_key_does_what_the_key_map_says(
    overrides: dict[str, str], swaps: list[tuple[str, str]]
) -> None:
    """Whatever is remapped: Textual's bindings, the help and the footer agree."""
    for one, other in swaps:
        overrides[one], overrides[other] = map(",".join, (BY_ID[other].keys, BY_ID[one].keys))
    keymap = resolve(
        {command.id: command.keys for command in COMMANDS},
        overrides,
        {command.id: command.places for command in COMMANDS},
    ).bindings
    for place in SCREENS:
        textual = BindingsMap(bindings(COMMANDS, place))
        textual.apply_keymap(remapped(COMMANDS, lambda command_id: keymap[command_id]))
        found = {
            (key, binding.id)
            for key, found in textual.key_to_bindings.items()
            for binding in found
            if not key.startswith("none:")
        }
        here = [command.id for command in COMMANDS if place in command.places]
        assert found == {(key, command_id) for command_id in here for key in keymap[command_id]}


class FakeDesk:
    """A store and a clock; refuses to do anything. One host, up."""

    def __init__(self, *, readonly: bool = False) -> None:
        self.clock = Clock()
        self.maker = SimMaker(self.clock)
        self.fleet = Fleet(self.maker, wake=lambda: None, ask=lambda request: None)
        self.fleet.add(HostSpec("local", "test+sim:///local", readonly=readonly))

    @property
    def store(self) -> Store:
        return self.fleet.store

    @property
    def sim(self) -> SimHost:
        return self.maker.hosts["local"]

    def now(self) -> float:
        return self.clock.now

    def tick(self) -> None:
        self.maker.tick()
        self.fleet.drain()

    def host(self, name: str) -> HostPort | None:
        return self.fleet.hosts.get(name)

    def retry(self, host: str) -> None:
        raise AssertionError(host)

    def say(self, text: str, *, bad: bool = False) -> None:
        raise AssertionError(text)

    async def ask(self, dialog: ModalScreen[object]) -> None:
        raise AssertionError(dialog)

    async def act(
        self, label: str, orders: Sequence[tuple[GuestView, Request]], patience: float | None = None
    ) -> tuple[Outcome, ...]:
        raise AssertionError(label)

    async def act_on_host(self, host: str, label: str, request: HostRequest) -> Outcome:
        raise AssertionError(label)

    def perform(self, name: str) -> None:
        raise AssertionError(name)

    async def add_host(self) -> None:
        raise AssertionError

    def remove_host(self, name: str) -> None:
        raise AssertionError(name)

    async def explain(self, place: Place) -> None:
        raise AssertionError

    def began(self, run: CreationRun) -> None:
        raise AssertionError(run)

    async def open_console(self, guest: GuestView) -> None:
        raise AssertionError(guest)

    def compare(self, guests: Sequence[GuestKey]) -> None:
        raise AssertionError(guests)


class FakePlace:
    place = GUESTS

    def __init__(self, desk: FakeDesk, *keys: GuestKey) -> None:
        self.desk = desk
        self.views = tuple(desk.store.guests[key] for key in keys)

    def target_guests(self) -> tuple[GuestView, ...]:
        return self.views

    def target_host(self) -> HostStatus | None:
        return None

    def perform(self, name: str) -> None:
        raise AssertionError(name)


R, B, P, D, O, C, S, U = (  # noqa: E741
    GuestState.RUNNING,
    GuestState.BLOCKED,
    GuestState.PAUSED,
    GuestState.SHUTTING_DOWN,
    GuestState.OFF,
    GuestState.CRASHED,
    GuestState.SUSPENDED,
    GuestState.UNKNOWN,
)
FIT = {
    "guest.start": {P, O, C, S, U},
    "guest.start-paused": {O, C, U},
    "guest.shutdown": {R, B, D},
    "guest.reboot": {R, B},
    "guest.reset": {R, B, P, D, S},
    "guest.force-off": {R, B, P, D, S},
    "guest.pause": {R, B},
    "guest.resume": {P, S},
    "guest.save": {R, B, P, D, S},
    "guest.discard-saved": set(),
    "guest.autostart": set(GuestState),
    "guest.console": set(GuestState),
    "guest.models": set(GuestState),
    "guest.rename": {O, C, U},
    "guest.delete": set(GuestState),
}


@pytest.mark.parametrize("command_id", FIT)
def test_in_which_states_it_can_be_asked(command_id: str) -> None:
    command = BY_ID[command_id]()
    for state in GuestState:
        desk = FakeDesk()
        key = desk.sim.add_guest("web", state)
        desk.tick()
        refusal = command.refusal(desk, FakePlace(desk, key))
        assert (not refusal) == (state in FIT[command_id]), (state, refusal)
        if refusal:
            assert "web" in refusal


def test_every_command_on_guests_is_in_that_table() -> None:
    assert {command.id for command in COMMANDS if issubclass(command, GuestCommand)} == set(FIT)


@pytest.mark.parametrize(
    ("command_id", "changes", "word"),
    [
        ("guest.save", {"persistent": False}, "transient"),
        ("guest.rename", {"persistent": False, "state": O}, "transient"),
        ("guest.models", {"persistent": False}, "transient"),
        ("guest.autostart", {"persistent": False}, "transient"),
        ("guest.autostart", {"autostart": None}, "does not report"),
        ("guest.discard-saved", {"managed_save": None}, "no saved state"),
        ("guest.discard-saved", {"managed_save": False}, "no saved state"),
    ],
)
def test_what_else_speaks_against_it(
    command_id: str, changes: dict[str, object], word: str
) -> None:
    desk = FakeDesk()
    key = desk.sim.add_guest("web", GuestState.RUNNING)
    desk.sim.change(key.uuid, **changes)
    desk.tick()
    assert word in BY_ID[command_id]().refusal(desk, FakePlace(desk, key))


def test_a_saved_state_can_be_discarded() -> None:
    desk = FakeDesk()
    key = desk.sim.add_guest("web", GuestState.OFF)
    desk.sim.change(key.uuid, managed_save=True)
    desk.tick()
    assert BY_ID["guest.discard-saved"]().refusal(desk, FakePlace(desk, key)) == ""


@pytest.mark.parametrize("command_id", FIT)
def test_a_host_that_cannot_be_changed_refuses_everything(command_id: str) -> None:
    command = BY_ID[command_id]()
    for state in GuestState:
        readonly = FakeDesk(readonly=True)
        key = readonly.sim.add_guest("web", state)
        readonly.sim.change(key.uuid, managed_save=True)
        readonly.tick()
        assert "read-only" in command.refusal(readonly, FakePlace(readonly, key))

        desk = FakeDesk()
        key = desk.sim.add_guest("web", state)
        desk.sim.change(key.uuid, managed_save=True)
        desk.tick()
        place = FakePlace(desk, key)
        desk.clock.now += STALE_AFTER + 2
        assert "does not answer" in command.refusal(desk, place)
        assert "stale 7 s" in command.refusal(desk, place)
        desk.sim.lose()
        desk.tick()
        assert "is lost" in command.refusal(desk, place)
        desk.fleet.remove("local")
        assert "no longer in the list of hosts" in command.refusal(desk, place)
        assert command.able(desk, place) == ()  # type: ignore[attr-defined]


def test_one_that_can_is_enough_and_only_that_one_is_asked() -> None:
    desk = FakeDesk()
    on, off = desk.sim.add_guest("on"), desk.sim.add_guest("off", GuestState.OFF)
    desk.tick()
    command = BY_ID["guest.pause"]()
    assert isinstance(command, GuestCommand)
    both = FakePlace(desk, off, on)
    assert command.refusal(desk, both) == ""
    assert [view.key for view in command.able(desk, both)] == [on]
    assert "off" in command.refusal(desk, FakePlace(desk, off))
    assert command.refusal(desk, FakePlace(desk)) == "no guest is highlighted"


@pytest.mark.parametrize("command_id", ["guest.rename", "guest.delete"])
def test_some_are_for_one_guest_at_a_time(command_id: str) -> None:
    desk = FakeDesk()
    keys = [desk.sim.add_guest(name, GuestState.OFF) for name in ("one", "two")]
    desk.tick()
    assert "one guest at a time" in BY_ID[command_id]().refusal(desk, FakePlace(desk, *keys))
