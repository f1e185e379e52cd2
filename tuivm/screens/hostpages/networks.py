"""The networks of a host."""

from __future__ import annotations

from tuivm.screens.hostpages.asking import Question
from tuivm.screens.hostpages.base import HostPage


class NetworksPage(HostPage):
    page = "networks"
    title = "networks"
    question = Question.NETWORKS
    revision = "networks"
