"""Everything that an annotator receives in a whole session, looked through for anything that tells the maps apart."""

import hashlib
import re
from uuid import uuid4

from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from studies.models import Assignment, Condition, Pair, Participation, Picture

ROLE_WORDS = re.compile(r"original|finetun|fine-tun|\blearn", re.IGNORECASE)


def text_of(response: HttpResponseBase) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in response.items())
    cookies = response.cookies.output()
    content = getattr(response, "content", b"")
    body = "" if response["Content-Type"] == "image/png" else content.decode()
    return f"{headers}\n{cookies}\n{body}"


def test_nothing_in_a_whole_session_tells_which_map_is_which(
    annotator_client: Client, participation: Participation
) -> None:
    slug = participation.study.slug
    received = [annotator_client.get(reverse(name)) for name in ("home",)]
    received += [annotator_client.get(reverse("runner", args=[slug]))]
    pictures: list[bytes] = []
    while True:
        reply = annotator_client.post(
            reverse("assignments_next", args=[slug]), {"count": 3}, content_type="application/json"
        )
        received.append(reply)
        assignments = reply.json()["assignments"]
        if not assignments:
            break
        for place, assignment in enumerate(assignments):
            for address in assignment["pictures"].values():
                received.append(annotator_client.get(address))
                pictures.append(received[-1].content)
            answer = {"uuid": str(uuid4()), "revision": 1, "rt_ms": 800, "timing": {}}
            answer["choice"] = assignment["options"][place % 3]
            received.append(
                annotator_client.post(
                    reverse("responses", args=[assignment["token"]]), answer, content_type="application/json"
                )
            )
    received.append(annotator_client.get(reverse("done", args=[slug])))

    assert {response.status_code for response in received} == {200, 201}
    # 12 trials with 3 pictures; each original comes twice, and each image four times.
    assert len(pictures) == 36
    assert Pair.objects.values("original").distinct().count() == 6
    everything = "\n".join(text_of(response) for response in received)
    assert ROLE_WORDS.search(everything) is None
    for names in Condition.objects.values_list("metric", "attributor", "network"):
        for name in names:
            assert re.search(rf"\b{name}\b", everything) is None
    digests = set(Picture.objects.values_list("digest", flat=True))
    assert not [digest for digest in digests if digest in everything]
    hashes = {hashlib.sha256(content).hexdigest() for content in pictures}
    assert len(hashes) == 36
    assert not hashes & digests
    assert len({len(content) for content in pictures}) == 1
    assert not any(name in everything for name in ("Last-Modified", "ETag"))


def test_tokens_do_not_follow_the_order_of_trials(annotator_client: Client, participation: Participation) -> None:
    address = reverse("assignments_next", args=[participation.study.slug])
    annotator_client.post(address, {"count": 10}, content_type="application/json")
    tokens = Assignment.objects.values_list("token", flat=True)
    assert len({len(token) for token in tokens}) == 1
    assert len({token[:4] for token in tokens}) == len(tokens)
