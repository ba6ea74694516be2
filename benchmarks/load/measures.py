"""What is measured of a site: trials under load, identical posts, the start page, and the runner's first load."""

import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin

from table import Row

from load.client import Crowd, one, request, together
from load.processes import machine_seconds, tree_seconds
from load.sessions import HarmonyAnnotator, PublishedAnnotator, Tally
from load.sites import Site

AT_ONCE = 16
# Of modules and style sheets, what the browser loads for them.
MENTIONED = re.compile(rb"""(?:\bfrom\s*|\bimport\s*|\burl\(\s*)["']?(\.{1,2}/[^"')\s]+)""")
IN_PAGE = re.compile(rb"""<(?:script[^>]*\ssrc|link[^>]*\shref|img[^>]*\ssrc)="([^"]+)""")


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(share * 1000) * len(ordered) // 1000) - 1)]


def sessions(site: Site, tally: Tally, accounts: Sequence[dict[str, Any]], *, pictures: bool) -> list[Any]:
    if "slug" in site.facts:
        slug = site.facts["slug"]
        return [HarmonyAnnotator(account, slug, tally, pictures=pictures).session() for account in accounts]
    groups = site.facts["groups"]
    return [
        PublishedAnnotator(account, groups, number % len(groups), tally).session()
        for number, account in enumerate(accounts)
    ]


def under_load(site: Site, annotators: int, seconds: float, *, pictures: bool, database_pid: int | None) -> Row:
    """Let annotators work for some seconds; returns what came of it."""
    accounts = site.annotators(annotators)
    tally = Tally()
    before: dict[str, float] = {}

    def ready() -> None:
        before["server"] = tree_seconds(site.pid)
        before["database"] = tree_seconds(database_pid)
        before["client"] = time.process_time()
        before["machine"] = machine_seconds()
        before["start"] = time.perf_counter()
        tally.deadline = before["start"] + seconds

    Crowd(site.port, sessions(site, tally, accounts, pictures=pictures)).run(ready)
    elapsed = time.perf_counter() - before["start"]
    server = tree_seconds(site.pid) - before["server"]
    database = tree_seconds(database_pid) - before["database"]
    others = machine_seconds() - before["machine"] - server - database - (time.process_time() - before["client"])
    trials = len(tally.seconds)
    if not trials:
        raise RuntimeError(f"{site.name}: no trial was finished in {seconds} s; replies: {dict(tally.statuses)}")
    if tally.errors:
        print(f"{site.name}, {annotators} annotators: replies by status: {dict(tally.statuses)}", file=sys.stderr)
    stored = site.answers(accounts)
    return {
        "site": site.name,
        "pictures": "fetched" if pictures else "no",
        "annotators": annotators,
        "trials/s": sum(moment <= tally.deadline for moment in tally.finished) / seconds,
        "p50, ms": 1000 * statistics.median(tally.seconds),
        "p95, ms": 1000 * quantile(tally.seconds, 0.95),
        "p99, ms": 1000 * quantile(tally.seconds, 0.99),
        "server CPU, ms/trial": 1000 * server / trials,
        **({"database CPU, ms/trial": 1000 * database / trials} if database_pid is not None else {}),
        "trials": trials,
        "errors": tally.errors,
        "lost": len(set(tally.acknowledged) - {(user, answer) for user, answer, _ in stored}),
        "double": len(stored) - len({(user, trial) for user, _, trial in stored}),
        "others' CPU, %": 100 * max(0.0, others) / elapsed,
    }


def identical_posts(site: Site, trials: int) -> Row:
    """Send each answer on `AT_ONCE` connections at the same moment; count what the database keeps of it."""
    (account,) = site.annotators(1)
    failed = asked = 0
    for _ in range(trials):
        post, expected = _next_answer(site, account)
        replies = together(post, site.port, AT_ONCE)
        failed += sum(reply.status not in expected for reply in replies)
        asked += len(replies)
    stored = site.answers([account])
    counts = Counter(trial for _, _, trial in stored).values()
    return {
        "site": site.name,
        "answers": trials,
        "requests": asked,
        "failed": failed,
        "stored": len(stored),
        "answers stored more than once": sum(count > 1 for count in counts),
        "most copies": max(counts, default=0),
    }


def _next_answer(site: Site, account: dict[str, Any]) -> tuple[bytes, tuple[int, ...]]:
    """Return the request that answers the annotator's next trial, and the statuses that are right."""
    if "slug" in site.facts:
        annotator = HarmonyAnnotator(account, site.facts["slug"], Tally(), pictures=False)
        reply = one(annotator.post(annotator.next_path, {"count": 1}), site.port)
        return annotator.answer(json.loads(reply.body)["assignments"][0])[1], (200, 201)
    for group in site.facts["groups"]:
        address = site.get("/trials/" + "/".join(group), account).header("location")
        if address is not None:
            return request("GET", f"{address}/neither", cookies=account["cookies"]), (302,)
    raise RuntimeError(f"{site.name}: no trial is left")


def start_page(site: Site, times: int) -> Row:
    """Ask for the start page of an annotator who has answered hundreds of trials."""
    account = site.facts["earlier"]
    seconds = []
    for turn in range(times + 2):
        started = time.perf_counter()
        reply = site.get("/", account)
        if reply.status != 200:
            raise RuntimeError(f"{site.name}: the start page replied {reply.status}")
        if turn >= 2:
            seconds.append(time.perf_counter() - started)
    return {
        "site": site.name,
        "queries": site.queries("/", account),
        "median, ms": 1000 * statistics.median(seconds),
        "p95, ms": 1000 * quantile(seconds, 0.95),
    }


def first_load(site: Site) -> Row:
    """Add up what a browser loads for the page on which trials are answered, as it is sent (compressed)."""
    account = site.facts["earlier"]
    if "slug" not in site.facts:
        group = "/trials/" + "/".join(site.facts["groups"][0])
        address = site.get(group, account).header("location")
        page = site.get(address or "/", account)
        return {
            "site": site.name,
            "requests": 1,
            "kB": len(page.body) / 1000,
            "of which pictures, kB": len(page.body) / 1000,
        }
    page = f"/studies/{site.facts['slug']}/"
    seen, left, total = {page}, [page], 0
    while left:
        path = left.pop()
        reply = site.get(path, account)
        if reply.status != 200:
            raise RuntimeError(f"{site.name}: {path} replied {reply.status}")
        total += len(site.get(path, account, "Accept-Encoding: gzip").body)
        is_page = path == page
        for found in (IN_PAGE if is_page else MENTIONED).findall(reply.body):
            address = urljoin(path, found.decode()).partition("?")[0]
            if address not in seen and not address.startswith("data:"):
                seen.add(address)
                left.append(address)
    return {"site": site.name, "requests": len(seen), "kB": total / 1000, "of which pictures, kB": 0}
