"""Keys act in the order in which they were typed, each on what the one before it led to.

Textual sends a key to the widget that has the focus when it is read. An entry takes a character at
once, while a key that is bound travels up to the program first and is overtaken; and a command
that opens an entry or a dialog does so after the keys behind it have been sent to the table. So
of a fast "/postgres" (a slow link delivers keys in bunches) the "p" paused the highlighted guest.
Here a key waits until the one before it has been dealt with.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from textual import events
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen

from tuivm._compat import QuietCrash

LOST = 0.5
"""Seconds after which the next key no longer waits: the widget that had the last one is gone."""


class OrderedKeys(QuietCrash):
    """An app that holds typed keys and pasted text back while one is being dealt with."""

    class Done(Message):
        """Everything that was in front of this message, on the way of a key, has been handled.

        settled: also what came of the key when it acted.
        """

        def __init__(self, number: int, *, settled: bool = False) -> None:
            super().__init__()
            self.number = number
            self.settled = settled

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Event] = deque()
        self._present: events.Event | None = None
        self._number = 0
        self._acts = False
        self._before: Screen[Any] | None = None
        self._give_up: asyncio.TimerHandle | None = None

    @property
    def typing(self) -> bool:
        """A key is being dealt with, or waits for its turn."""
        return self._present is not None

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        elif self._present is not None:
            self._typed.append(event)
        else:
            await self._deliver(event)

    async def _deliver(self, event: events.Event) -> None:
        self._present = event
        self._number += 1
        self._acts = False
        self._before = self._front()
        target = self.focused or self._before
        await super().on_event(event)
        self._follow(target or self)

    def _front(self) -> Screen[Any] | None:
        return self.screen_stack[-1] if self.screen_stack else None

    def _follow(self, target: MessagePump, *, settled: bool = False) -> None:
        """Send a message after the key: it takes the same way up, and gets here after it."""
        self._forget()
        late = self.Done(self._number, settled=True)
        self._give_up = asyncio.get_running_loop().call_later(LOST, self.post_message, late)
        target.post_message(self.Done(self._number, settled=settled))

    def _forget(self) -> None:
        if self._give_up is not None:
            self._give_up.cancel()
            self._give_up = None

    def on_key(self, event: events.Key) -> None:
        """A key that no widget took is back, and acts now.

        What it does may take away the widget that the message behind it has still to pass.
        """
        if event is self._present:
            self._acts = True
            self.post_message(self.Done(self._number))

    async def on_ordered_keys_done(self, message: Done) -> None:
        if message.number != self._number or self._present is None:
            return
        if self._acts:
            # A command is a worker: now it takes its first step, up to the dialog that it opens.
            await asyncio.sleep(0)
        front = self._front()
        if front is not None and front is not self._before:
            # What it opened gets its focus before it gets a key.
            self._before = front
            self._follow(front)
            return
        if self._acts and not message.settled:
            # What it made widgets post (an entry was submitted, the focus is to move) comes first.
            self._follow(self.focused or front or self, settled=True)
            return
        self._forget()
        self._present = None
        if self._typed:
            await self._deliver(self._typed.popleft())
