"""What an export sees while others write, as JSON: `python -m studies.tests.snapshot_watch` on an empty site."""

import json
from threading import Thread

import django


def main() -> None:
    """Count the studies before, during and after a snapshot, while another connection adds one during it."""
    django.setup()
    from django.db import connection

    from studies.exports.snapshot import snapshot
    from studies.models import Study

    def add() -> None:
        Study.objects.create(slug="added", title="Added", question="Which?")
        connection.close()

    seen = [Study.objects.count()]
    with snapshot():
        seen.append(Study.objects.count())
        # On SQLite it would wait for its turn, and give up, if the snapshot held the lock for writing.
        writer = Thread(target=add)
        writer.start()
        writer.join(60)
        was_kept_waiting = writer.is_alive()
        seen.append(Study.objects.count())
    writer.join()
    seen.append(Study.objects.count())
    Study.objects.create(slug="after", title="After", question="Which?")
    seen.append(Study.objects.count())
    print(json.dumps({"seen": seen, "was_kept_waiting": was_kept_waiting}))


if __name__ == "__main__":
    main()
