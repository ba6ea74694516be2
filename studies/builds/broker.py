"""The queues, as far as builds use them: tasks are sent by their names, and nothing is waited for long."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import ChannelError, OperationalError

logger = logging.getLogger(__name__)

GPU, DEFAULT = "gpu", "default"
LOAD = "studies.builds.load"
TICK = "studies.builds.tick"
Message = tuple[str, str, dict[str, Any]]
"""Queue, name of the task, arguments."""


class BrokerDownError(RuntimeError):
    """The broker cannot be reached; so many messages were sent before."""

    def __init__(self, sent: int) -> None:
        super().__init__("the broker cannot be reached")
        self.sent = sent


def publish(messages: Iterable[Message]) -> None:
    """Send tasks over one connection. Raises BrokerDownError."""
    sent = 0
    with _explained(lambda: sent), current_app.amqp.producer_pool.acquire(block=True, timeout=10) as producer:
        for queue, name, arguments in messages:
            current_app.send_task(
                name, kwargs=arguments, queue=queue, producer=producer, ignore_result=True, retry=False
            )
            sent += 1


def queue_is_empty(name: str) -> bool:
    """Whether nothing waits in the queue. Raises BrokerDownError."""
    with _explained(lambda: 0), current_app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        try:
            waiting: int = channel.queue_declare(queue=name, passive=True).message_count
        except ChannelError:
            # A list without entries is no list in Redis.
            return True
    return waiting == 0


def nudge() -> None:
    """Have somebody look after the builds soon, once this transaction is over; if nobody does, the next tick does."""
    if settings.BUILDS == "celery":
        transaction.on_commit(_nudge)


def _nudge() -> None:
    try:
        publish([(DEFAULT, TICK, {})])
    except BrokerDownError:
        logger.warning("the broker cannot be reached; builds go on once it is back")


@contextmanager
def _explained(sent: Any) -> Iterator[None]:
    try:
        yield
    except (OperationalError, OSError) as error:
        raise BrokerDownError(sent()) from error
