"""What gunicorn is told wherever it runs (by `gunicorn.conf.py` of the top folder).

All processes of a server count together, and its log shows neither tokens nor ids.
"""

from pathlib import Path
from typing import Any

from harmony_app.environment import env_path
from harmony_app.metrics.folder import make_folder, use_folder

logger_class = "harmony_app.gunicorn_logs.ScrubbedLogger"
# Method, path, status, bytes, milliseconds: no query, and no referer, which has one too.
access_log_format = '%(t)s "%(m)s %(U)s" %(s)s %(b)s %(M)s ms'

use_folder(make_folder(env_path("HARMONY_DATA_DIR", Path(__file__).resolve().parent.parent / "var") / "metrics"))


def child_exit(server: Any, worker: Any) -> None:
    """Forget what a worker that has gone was busy with; what it counted stays."""
    # Imported where the folder is known.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
