"""A DICOM server: the plumbing that the listener and the small archive share."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Sequence

from pynetdicom.ae import ApplicationEntity
from pynetdicom.events import EventHandlerType
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import ThreadedAssociationServer

from screener.domain.errors import ConfigurationError
from screener.network.entity import Hygiene, Timeouts, await_end, give_up, new_entity

#: How often the accepting thread looks whether it shall stop, s.
_POLL_S = 0.1


class Server:
    """Accept associations on a port, in threads, until stopped.

    Parameters
    ----------
    port
        0 takes a free one, which `port` tells after `start`.
    contexts
        What is accepted; transfer syntaxes in order of preference.
    handlers
        pynetdicom's events and what to call on them.
    maximum_associations
        Further ones are rejected, "local limit exceeded".
    """

    def __init__(
        self,
        *,
        ae_title: str,
        host: str,
        port: int,
        contexts: Sequence[PresentationContext],
        handlers: Sequence[EventHandlerType],
        maximum_associations: int,
        timeouts: Timeouts,
    ) -> None:
        self.ae_title = ae_title
        self.host = host
        self.port = port
        self._contexts = list(contexts)
        self._handlers = list(handlers)
        self._maximum_associations = maximum_associations
        self._timeouts = timeouts
        self._hygiene = Hygiene(timeouts.idle_s)
        self._running: tuple[ThreadedAssociationServer, threading.Thread] | None = None

    def start(self) -> None:
        """Bind the port and begin to accept; returns at once.

        Raises
        ------
        ConfigurationError
            The port is taken, or the host is not ours.
        """
        entity = new_entity(self.ae_title, self._timeouts)
        entity.maximum_associations = self._maximum_associations
        server = self._bind(entity)
        self.port = server.server_address[1]
        thread = threading.Thread(
            target=server.serve_forever,
            args=(_POLL_S,),
            name=f"DicomServer:{self.port}",
            daemon=True,
        )
        thread.start()
        self._running = server, thread

    def stop(self, wait_s: float = 5.0) -> None:
        """Accept nothing more, wait for open associations up to `wait_s`, and cut the rest.

        A sender whose instance was not yet answered sends it again; nothing is lost by the cut.
        """
        if self._running is None:
            return
        server, thread = self._running
        self._running = None
        # not server.shutdown(): that expects to be in a list of the entity's own
        socketserver.BaseServer.shutdown(server)
        server.server_close()
        thread.join()
        await_end(server.active_associations, wait_s)
        give_up(*server.active_associations)

    def _bind(self, entity: ApplicationEntity) -> ThreadedAssociationServer:
        try:
            server = entity.make_server(
                (self.host, self.port),
                ae_title=self.ae_title,
                contexts=self._contexts,
                evt_handlers=[*self._hygiene.handlers, *self._handlers],
                server_class=_AssociationServer,
            )
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"cannot listen on {self.host}:{self.port}: {error}; is another process listening "
                "there, and is the host one of this machine's addresses?"
            ) from error
        return server


class _AssociationServer(ThreadedAssociationServer):
    #: Connections that wait to be accepted; pynetdicom's 5 makes a burst of senders wait for TCP.
    request_queue_size = 128
