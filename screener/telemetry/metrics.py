"""All counters and histograms of the product; labels are codes, never identities."""

from __future__ import annotations

from prometheus_client import Counter, Histogram, start_http_server

from screener.domain.errors import ConfigurationError

RECEIVED = Counter("screener_received_instances_total", "C-STORE requests by outcome.", ["outcome"])
REJECTED = Counter(
    "screener_rejected_associations_total", "Rejected associations by reason.", ["reason"]
)
STAGE_SECONDS = Histogram(
    "screener_stage_seconds", "Time that one run of a stage took, s.", ["stage"]
)
STAGE_ITEMS = Counter("screener_stage_items_total", "Rows that a stage has worked on.", ["stage"])


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on 127.0.0.1; 0 serves none.

    Raises
    ------
    ConfigurationError
        The port is taken.
    """
    if not port:
        return
    try:
        start_http_server(port, addr="127.0.0.1")
    except OSError as error:
        raise ConfigurationError(
            f"metrics.port {port} cannot be used ({error.strerror}); choose another, or 0 for none"
        ) from error
