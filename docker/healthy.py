"""Exit with 0 if the server in this container answers. It is asked under a host name that it accepts.

`python docker/healthy.py /readyz` asks whether it can serve annotators, not only whether it lives.
"""

import os
import sys
import urllib.error
import urllib.request

path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
request = urllib.request.Request(
    f"http://127.0.0.1:8000{path}",
    headers={"Host": "localhost" if host in {"", "*"} else host},
)
try:
    with urllib.request.urlopen(request, timeout=10) as response:
        print(response.read(4000).decode())
        sys.exit(response.status != 200)
except urllib.error.HTTPError as error:
    # Says which part is away, in the words of the reply.
    sys.exit(f"{error.code} {error.read(4000).decode()}")
except (OSError, TimeoutError) as error:
    sys.exit(f"no answer: {error}")
