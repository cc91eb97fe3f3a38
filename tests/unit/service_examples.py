"""Services that the tests make, add and break."""

from __future__ import annotations

import threading

from experimaestro.scheduler.services import (
    Service,
    ServiceListener,
    WebService,
)

SECONDS = 60  # only a broken test waits that long


class Curves(Service):
    """Learning curves.

    More about them.
    """

    id = "curves"

    def __init__(self, folder, *, title="t", others=()):
        self.folder = folder  # without a call of the base class's constructor
        self.title = title
        self.others = list(others)

    def state_dict(self):
        return {"folder": self.folder, "title": self.title, "others": self.others}


class Page(WebService):
    id = "page"
    url_to_give = "http://localhost:1/"

    def __init__(self):
        super().__init__()
        self.starts = 0
        self.gate = threading.Event()
        self.gate.set()

    def _serve(self, running):
        self.starts += 1
        assert self.gate.wait(SECONDS)
        self.url = self.url_to_give
        running.set()
        while not self.should_stop():
            self._serving.stopping.wait(SECONDS)


class Broken(WebService):
    id = "broken"

    def _serve(self, running):
        raise OSError("port 1 is taken")


class Seen(ServiceListener):
    def __init__(self):
        self.states = []

    def service_state_changed(self, service):
        self.states.append(service.state)
