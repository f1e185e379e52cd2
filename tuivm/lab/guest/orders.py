"""An order of the Lab: a JSON object, taken apart with care."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class OrderError(Exception):
    """An order that cannot be carried out; the text says why."""


class StoppedError(Exception):
    """The Lab said "stop" while an order was being carried out."""


class Order:
    """What is wrong with a field is raised as OrderError. id: None where the order has none."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields
        number = fields.get("id")
        self.id = number if isinstance(number, int) else None
        self.do = fields.get("do")

    def number(self, name: str, least: int, otherwise: int | None = None) -> int:
        value = self.fields.get(name, otherwise)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise OrderError(f"{name} must be a whole number of at least {least}")
        return value

    def real(self, name: str, least: float) -> float:
        value = self.fields.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= least:
            raise OrderError(f"{name} must be a number of at least {least}")
        return float(value)

    def text(self, name: str, otherwise: str | None = None) -> str:
        value = self.fields.get(name, otherwise)
        if not isinstance(value, str):
            raise OrderError(f"{name} must be a text")
        return value

    def flag(self, name: str) -> bool:
        """False where it is not said."""
        value = self.fields.get(name, False)
        if not isinstance(value, bool):
            raise OrderError(f"{name} must be true or false")
        return value

    def texts(self, name: str) -> list[str]:
        """[] where it is not said."""
        return [_text(name, one) for one in self._list(name)]

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """[] where it is not said."""
        found = []
        for pair in self._list(name):
            if not isinstance(pair, list) or len(pair) != 2:
                raise OrderError(f"{name} must hold pairs")
            found.append((_text(name, pair[0]), _text(name, pair[1])))
        return found

    def _list(self, name: str) -> list[object]:
        value = self.fields.get(name, [])
        if not isinstance(value, list):
            raise OrderError(f"{name} must be a list")
        return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise OrderError(f"{name} must hold texts")
    return value
