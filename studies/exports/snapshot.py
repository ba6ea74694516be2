"""One moment of the database for everything that an export reads, however long it takes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connection as site_connection
from django.db import transaction


@contextmanager
def snapshot() -> Iterator[None]:
    """Read as if nothing changed meanwhile, without keeping anyone from writing.

    Inside another transaction it only goes on with that one, which sees what it sees.
    """
    connection: Any = site_connection
    if connection.in_atomic_block:
        yield
        return
    with ExitStack() as stack:
        if connection.vendor == "sqlite":
            # Which kind of transaction is the usual one is known once there is a connection.
            connection.ensure_connection()
            # The site's transactions take the lock for writing at once, which would keep everyone from answering.
            usual, connection.transaction_mode = connection.transaction_mode, "DEFERRED"
            try:
                stack.enter_context(transaction.atomic())
            finally:
                connection.transaction_mode = usual
        else:
            stack.enter_context(transaction.atomic())
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
