"""Fetching what fills a volume."""

from __future__ import annotations

import socket
import threading

import pytest

from tuivm.hypervisor.creating_transfer import fetched


class StopError(Exception):
    """A person cancelled it."""


def test_a_server_that_stalls_does_not_keep_it_from_being_cancelled() -> None:
    stopped = threading.Event()
    in_time: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome bytes")
                in_time.append(stopped.wait(5))

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()

        def step() -> None:
            raise StopError

        url = f"http://127.0.0.1:{server.getsockname()[1]}/disk.raw"
        with pytest.raises(StopError), fetched(url, lambda _done, _total: None, step):
            pytest.fail("it is not all there")
        stopped.set()
        serving.join(30)
    assert in_time == [True]
