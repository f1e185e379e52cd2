"""The storage of a host."""

from __future__ import annotations

from tuivm.screens.hostpages.asking import Question
from tuivm.screens.hostpages.base import HostPage


class StoragePage(HostPage):
    page = "storage"
    title = "storage"
    question = Question.STORAGE
    revision = "storage"
