import pytest

from screener.config import BrokerSettings, Settings
from screener.domain.errors import ConfigurationError
from workers.app import make_app
from workers.queues import visibility_timeout_s

SETTINGS = Settings(broker=BrokerSettings(url="redis://127.0.0.1:1/0"))


def test_a_nudge_is_json_acknowledged_late_and_taken_one_at_a_time() -> None:
    conf = make_app(SETTINGS).conf

    assert (conf.task_serializer, conf.accept_content) == ("json", ["json"])
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.result_backend is None


def test_redis_gives_a_nudge_to_another_worker_only_after_every_limit() -> None:
    options = make_app(SETTINGS).conf.broker_transport_options

    assert options["visibility_timeout"] == visibility_timeout_s(SETTINGS.drive)
    assert options["unacked_restore_throttle"] == 1


def test_a_broker_may_be_away_for_ever() -> None:
    conf = make_app(SETTINGS).conf

    assert conf.broker_connection_max_retries is None
    assert conf.broker_connection_retry_on_startup


def test_without_a_broker_it_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="screener up"):
        make_app(Settings())
