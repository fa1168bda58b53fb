"""The Celery app: Redis, JSON, late acknowledgement, one nudge at a time, no results."""

from __future__ import annotations

from celery import Celery

from screener.config import Settings
from workers.nudged import NudgedTask
from workers.queues import QUEUE_OF, QueueName, declared, visibility_timeout_s

#: Redis answers within so many seconds, or is taken for away.
_ANSWER_S = 5.0


def make_app(settings: Settings) -> Celery:
    """Return the app that a process of the node works with.

    Raises
    ------
    ConfigurationError
        `broker.url` or its password is missing.

    Notes
    -----
    A nudge is acknowledged when its stage is done. Should the process die before, the nudge comes
    back: at once where Celery sees the death, else after the visibility timeout. That is for
    promptness only: what was claimed comes up again by its lease, nudge or no nudge.
    """
    app = Celery(
        "screener", broker=settings.broker.full_url, task_cls=NudgedTask, set_as_current=False
    )
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_queues=[declared(queue) for queue in QueueName],
        task_default_queue=QueueName.UPKEEP.value,
        task_create_missing_queues=False,
        task_routes={stage.value: {"queue": queue.value} for stage, queue in QUEUE_OF.items()},
        broker_transport_options={
            "visibility_timeout": visibility_timeout_s(settings.drive),
            "unacked_restore_throttle": 1,
            "socket_timeout": 2 * _ANSWER_S,
            "socket_connect_timeout": _ANSWER_S,
            "socket_keepalive": True,
        },
        broker_connection_timeout=_ANSWER_S,
        broker_connection_retry_on_startup=True,
        # a broker may be away for as long as it likes
        broker_connection_max_retries=None,
        # the stage goes on: its rows are claimed, whatever the broker knows
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # a predictor takes a while to load
        worker_proc_alive_timeout=120.0,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        # remote control, gossip and events need bindings in Redis, and nobody here listens
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        task_send_sent_event=False,
        enable_utc=True,
    )
    return app
