"""Studies for the browser tests, written into the database of the server under test.

Run as a program, so that the tests' own process never opens that database through Django:

    python -m tests.e2e.site_data '[{"slug": "one", "trials": 6, "allow_undo": true, "offer_neither": true}]'

Each study gets one annotator, named like the study, with the password `PASSWORD`. A study's trials have different
classes as the network's answer, so that a trial can be told by it.
"""

import colorsys
import hashlib
import io
import json
import math
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter

PASSWORD = "one-for-all-tests"
SIZE = 160
CLASSES = ("gorilla", "steam locomotive", "sunflower", "lighthouse", "red fox", "violin")


@dataclass(frozen=True)
class StudySpec:
    """What a study of the tests should be like."""

    slug: str
    trials: int = 6
    allow_undo: bool = True
    offer_neither: bool = True
    # The text of a protocol, as TOML.
    protocol: str = ""


def session_key(slug: str) -> str:
    """Return the key of the session in which the annotator of a study is logged in from the start."""
    return hashlib.sha256(f"session of {slug}".encode()).hexdigest()[:32]


def photo(seed: int) -> Pillow.Image:
    """Return a scene of SIZE x SIZE pixels: a sky, a ground and something round on it."""
    hue = seed * 0.618 % 1
    scene = Pillow.linear_gradient("L").resize((SIZE, SIZE))
    sky, ground = (tuple(round(255 * c) for c in colorsys.hsv_to_rgb(h, 0.4, 0.9)) for h in (hue, hue + 0.3))
    picture = Pillow.composite(Pillow.new("RGB", scene.size, ground), Pillow.new("RGB", scene.size, sky), scene)
    x, y = blob_centre(seed)
    ImageDraw.Draw(picture).ellipse((x - 34, y - 34, x + 34, y + 34), fill=(60, 50 + 20 * (seed % 5), 70))
    return picture


def blob_centre(seed: int) -> tuple[float, float]:
    """Return where the object of a scene is, in pixels."""
    return SIZE / 2 + 30 * math.cos(seed), SIZE / 2 + 30 * math.sin(seed)


def attribution_map(seed: int, *, focused: bool) -> Pillow.Image:
    """Return a white-to-red map: on the object, or scattered."""
    strength = Pillow.new("L", (SIZE, SIZE))
    draw = ImageDraw.Draw(strength)
    x, y = blob_centre(seed)
    spots = [(x, y)] if focused else [(37 * k * (seed + 3) % SIZE, 53 * k * (seed + 1) % SIZE) for k in range(1, 6)]
    for spot_x, spot_y in spots:
        draw.ellipse((spot_x - 28, spot_y - 28, spot_x + 28, spot_y + 28), fill=255)
    strength = strength.filter(ImageFilter.GaussianBlur(12))
    return Pillow.composite(
        Pillow.new("RGB", strength.size, (255, 0, 0)), Pillow.new("RGB", strength.size, "white"), strength
    )


def create_studies(specs: list[StudySpec]) -> None:
    """Write the studies, their pictures and their annotators."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.hashers import make_password
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from django.db import transaction
    from django.utils import timezone

    from studies.models import Condition, Image, Pair, Picture, Study, Trial, User
    from studies.services import enrol
    from studies.services.protocols import protocol_set

    def picture(content: Pillow.Image) -> Picture:
        file = io.BytesIO()
        content.save(file, "PNG")
        digest = hashlib.sha256(file.getvalue()).hexdigest()
        stored, made = Picture.objects.get_or_create(digest=digest, defaults={"width": SIZE, "height": SIZE})
        if made:
            default_storage.save(stored.path, ContentFile(file.getvalue()))
        return stored

    password = make_password(PASSWORD)
    with transaction.atomic():
        for spec in specs:
            study = Study.objects.create(
                slug=spec.slug,
                title="Where does the network look?",
                question="Which map explains the network’s answer better?",
                seed=7,
                allow_undo=spec.allow_undo,
                offer_neither=spec.offer_neither,
            )
            condition = Condition.objects.create(
                study=study,
                dataset="shapes",
                metric="RMA",
                network="SmallCNN",
                attributor="GradCAM",
                direction="higher",
                improved=True,
            )
            for number in range(spec.trials):
                label = CLASSES[number % len(CLASSES)]
                pair = Pair.objects.create(
                    condition=condition,
                    image=Image.objects.create(
                        study=study, name=f"image-{number}", picture=picture(photo(number)), label=label
                    ),
                    original=picture(attribution_map(number, focused=False)),
                    finetuned=picture(attribution_map(number, focused=True)),
                    score_original=0.3,
                    score_finetuned=0.6,
                    target=label,
                    prediction_original=label,
                    prediction_finetuned=label,
                    confidence_original=0.8,
                    confidence_finetuned=0.8,
                )
                Trial.objects.create(study=study, key=f"t{number:04}", pair=pair)
            if spec.protocol:
                protocol_set(study=study, text=spec.protocol, name="protocol of the test")
            annotator = User.objects.create(username=spec.slug, password=password)
            enrol(study=study, annotator=annotator)
            logged_in = {
                SESSION_KEY: str(annotator.pk),
                BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[-1],
                HASH_SESSION_KEY: annotator.get_session_auth_hash(),
            }
            Session.objects.create(
                session_key=session_key(spec.slug),
                session_data=SessionStore().encode(logged_in),
                expire_date=timezone.now() + timedelta(days=1),
            )


def as_argument(specs: list[StudySpec]) -> str:
    """Return the program's argument for these studies."""
    return json.dumps([asdict(spec) for spec in specs])


if __name__ == "__main__":
    import django

    django.setup()
    create_studies([StudySpec(**values) for values in json.loads(sys.argv[1])])
