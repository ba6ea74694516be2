"""The bundle: a folder with a Django fixture, its pictures and a manifest. docs/architecture.md has the format."""

import hashlib
import json
import math
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from attribution.errors import InputError
from attribution.rendering import png_chunks

FORMAT = "harmony-bundle/1"
# What the caller tells the manifest; the writer adds format, study and files.
MANIFEST_KEYS = (
    "created",
    "config",
    "seed",
    "versions",
    "device",
    "threads",
    "networks",
    "dataset",
    "pairs",
    "conditions",
)

_FILE_NAME = re.compile(r"study\.json|media/[0-9a-f]{64}\.png")
_PICTURE_CHUNKS = {"IHDR", "PLTE", "IDAT", "IEND"}

ConditionKey = tuple[str, str, str, str]
Fields = dict[str, Any]


@dataclass(frozen=True)
class StudyRecord:
    """The study; ``trials_per_annotator`` None means all of them."""

    slug: str
    title: str
    question: str
    seed: int
    annotators_per_trial: int
    trials_per_annotator: int | None
    allow_undo: bool
    offer_neither: bool


@dataclass(frozen=True)
class ConditionRecord:
    """One cell of the study. ``summary`` is its entry in the manifest; ``seconds`` is left out when it is written."""

    dataset: str
    metric: str
    network: str
    attributor: str
    direction: str
    improved: bool
    summary: Mapping[str, Any] = field(hash=False)

    @property
    def key(self) -> ConditionKey:
        """dataset, metric, network, attributor."""
        return self.dataset, self.metric, self.network, self.attributor


@dataclass(frozen=True)
class ImageRecord:
    """One image of the study; ``picture`` is the digest that `BundleWriter.add_picture` gave."""

    name: str
    picture: str
    label: str


@dataclass(frozen=True)
class PairRecord:
    """One image in one condition: maps as digests of pictures, target and predictions as class names."""

    condition: ConditionKey
    image: str
    original: str
    finetuned: str
    score_original: float | None
    score_finetuned: float | None
    target: str
    prediction_original: str
    prediction_finetuned: str
    confidence_original: float
    confidence_finetuned: float


class BundleWriter:
    """Collects a study and writes it into ``<out>.partial``; `finish` moves the folder to ``out``.

    Pictures go to disk at once, so memory stays small. A partial folder from an interrupted run is taken over: pictures
    that are there already are not written again, and leftovers are removed at the end. A bundle at ``out`` is replaced
    when the new one is complete. Raises InputError if something else stands there.
    """

    def __init__(self, out: Path, study: StudyRecord) -> None:
        if out.exists() and not (out / "manifest.json").is_file():
            raise InputError(f"{out}: exists and is not a bundle: choose another folder or remove it")
        self._out = out
        self._partial = out.with_name(out.name + ".partial")
        self._media = self._partial / "media"
        self._media.mkdir(parents=True, exist_ok=True)
        self._study = study
        self._sizes: dict[str, tuple[int, int]] = {}
        self._conditions: dict[ConditionKey, ConditionRecord] = {}
        self._images: dict[str, ImageRecord] = {}
        self._pairs: dict[tuple[ConditionKey, str], PairRecord] = {}

    def add_picture(self, png: bytes) -> str:
        """Stores a PNG and gives its SHA-256. Raises ValueError if it is no PNG or carries metadata."""
        extra = sorted(set(png_chunks(png)) - _PICTURE_CHUNKS)
        if extra:
            raise ValueError(f"the picture carries metadata ({', '.join(extra)}): encode it with encode_png")
        digest = hashlib.sha256(png).hexdigest()
        if digest not in self._sizes:
            path = self._media / f"{digest}.png"
            if not (path.is_file() and path.read_bytes() == png):
                beside = path.with_suffix(".tmp")
                beside.write_bytes(png)
                beside.replace(path)
            with Image.open(BytesIO(png)) as image:
                self._sizes[digest] = image.size
        return digest

    def add_condition(self, record: ConditionRecord) -> None:
        """Raises ValueError for a second condition of the same key or an unknown direction."""
        if record.key in self._conditions:
            raise ValueError(f"condition {record.key} is given twice")
        if record.direction not in ("higher", "lower"):
            raise ValueError(f'condition {record.key}: direction is "{record.direction}": use higher or lower')
        self._conditions[record.key] = record

    def add_image(self, record: ImageRecord) -> None:
        """Raises ValueError for a second image of the same name or a picture that was not added."""
        if record.name in self._images:
            raise ValueError(f"image {record.name} is given twice")
        self._need_pictures(f"image {record.name}", record.picture)
        self._images[record.name] = record

    def add_pair(self, record: PairRecord) -> None:
        """Raises ValueError unless its condition, image and pictures were added and the two maps have the same size."""
        what = f"pair {record.condition} x {record.image}"
        if record.condition not in self._conditions:
            raise ValueError(f"{what}: the condition was not added")
        if record.image not in self._images:
            raise ValueError(f"{what}: the image was not added")
        if (record.condition, record.image) in self._pairs:
            raise ValueError(f"{what} is given twice")
        self._need_pictures(what, record.original, record.finetuned)
        if self._sizes[record.original] != self._sizes[record.finetuned]:
            sizes = f"{self._sizes[record.original]} and {self._sizes[record.finetuned]}"
            raise ValueError(f"{what}: the maps differ in size ({sizes})")
        self._pairs[record.condition, record.image] = record

    def finish(self, manifest: Mapping[str, Any]) -> Path:
        """Writes study.json and manifest.json and moves the folder to its place; gives that place.

        ``manifest`` has exactly the keys MANIFEST_KEYS. Raises ValueError for other keys, for a study without pairs and
        for numbers that are not finite.
        """
        if set(manifest) != set(MANIFEST_KEYS):
            differing = ", ".join(sorted(set(manifest) ^ set(MANIFEST_KEYS)))
            raise ValueError(f"the manifest lacks or has too many of the keys: {differing}")
        if not self._pairs:
            raise ValueError("the study has no pairs")
        fixture = _lines(self._fixture())
        used = self._used_pictures()
        for path in self._media.iterdir():
            if path.suffix != ".png" or path.stem not in used:
                path.unlink()
        files = {f"media/{digest}.png": digest for digest in used} | {"study.json": hashlib.sha256(fixture).hexdigest()}
        head = {"format": FORMAT, "study": self._study.slug}
        body = {**head, **_rounded(dict(manifest)), "files": dict(sorted(files.items()))}
        (self._partial / "study.json").write_bytes(fixture)
        (self._partial / "manifest.json").write_text(
            json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )
        self._move()
        return self._out

    def _need_pictures(self, what: str, *digests: str) -> None:
        for digest in digests:
            if digest not in self._sizes:
                raise ValueError(f"{what}: the picture {digest} was not added")

    def _used_pictures(self) -> list[str]:
        used = {record.picture for record in self._images.values()}
        for pair in self._pairs.values():
            used |= {pair.original, pair.finetuned}
        return sorted(used)

    def _move(self) -> None:
        old = self._out.with_name(self._out.name + ".old")
        if self._out.exists():
            shutil.rmtree(old, ignore_errors=True)
            self._out.replace(old)
        self._partial.replace(self._out)
        if old.exists():
            shutil.rmtree(old)

    def _fixture(self) -> Iterator[Fields]:
        """The objects of study.json, in the order in which they refer to each other."""
        study = [self._study.slug]
        yield _object("study", asdict(self._study))
        for digest in self._used_pictures():
            width, height = self._sizes[digest]
            yield _object("picture", {"digest": digest, "width": width, "height": height})
        for _, condition in sorted(self._conditions.items()):
            fields = {name: getattr(condition, name) for name in ("dataset", "metric", "network", "attributor")}
            summary = {name: value for name, value in condition.summary.items() if name != "seconds"}
            yield _object(
                "condition",
                fields
                | {
                    "study": study,
                    "direction": condition.direction,
                    "improved": condition.improved,
                    "summary": summary,
                },
            )
        for name, image in sorted(self._images.items()):
            yield _object("image", {"study": study, "name": name, "picture": [image.picture], "label": image.label})
        for (key, name), pair in sorted(self._pairs.items()):
            pictures = {"original": [pair.original], "finetuned": [pair.finetuned]}
            links = {"condition": [*study, *key], "image": [*study, name]}
            yield _object("pair", asdict(pair) | pictures | links)
        order = trial_order(self._pairs, seed=self._study.seed)
        width = max(4, len(str(len(order))))
        for number, (key, name) in enumerate(order, start=1):
            fields = {"trial_type": "forced_choice", "kind": "main", "pair": [*study, *key, name]}
            yield _object("trial", fields | {"study": study, "key": f"t{number:0{width}d}"})


def trial_order(pairs: Iterable[tuple[ConditionKey, str]], *, seed: int) -> list[tuple[ConditionKey, str]]:
    """An order of (condition, image) drawn from the seed in which conditions alternate and an image returns late.

    Every round takes one pair of each condition. All conditions go through the images in the same drawn order, but
    each starts at another place of it, so that the maps of one image lie about (images / conditions) rounds apart.
    """
    images: dict[ConditionKey, list[str]] = {}
    for key, name in pairs:
        images.setdefault(key, []).append(name)
    conditions = sorted(images, key=lambda key: _draw(seed, *key))
    turned: list[list[tuple[ConditionKey, str]]] = []
    for place, key in enumerate(conditions):
        drawn = sorted(images[key], key=lambda name: _draw(seed, name))
        start = place * len(drawn) // len(conditions)
        turned.append([(key, name) for name in drawn[start:] + drawn[:start]])
    rounds = max((len(entries) for entries in turned), default=0)
    order: list[tuple[ConditionKey, str]] = []
    for number in range(rounds):
        entries = [listed[number] for listed in turned if number < len(listed)]
        order.extend(sorted(entries, key=lambda entry: _draw(seed, str(number), *entry[0])))
    return order


def verify_bundle(path: Path) -> dict[str, Any]:
    """Checks every digest of a bundle and gives its manifest.

    Raises InputError naming the file that is missing, changed or not listed.
    """
    file = path / "manifest.json"
    if not file.is_file():
        raise InputError(f"{path}: has no manifest.json: give the folder of a bundle")
    try:
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file}: is not JSON ({error}): export the bundle again") from error
    if manifest.get("format") != FORMAT:
        raise InputError(f'{file}: format is "{manifest.get("format")}": this program reads {FORMAT}')
    for name, digest in manifest["files"].items():
        if not _FILE_NAME.fullmatch(name):
            raise InputError(f'{file}: files: "{name}" is not a file of a bundle: export the bundle again')
        if not (path / name).is_file():
            raise InputError(f"{path / name}: is missing: export or copy the bundle again")
        if hashlib.sha256((path / name).read_bytes()).hexdigest() != digest:
            raise InputError(
                f"{path / name}: has other contents than the manifest says: export or copy the bundle again"
            )
    listed = {*manifest["files"], "manifest.json"}
    extra = sorted(
        entry.relative_to(path).as_posix()
        for entry in path.rglob("*")
        if entry.is_file() and entry.relative_to(path).as_posix() not in listed
    )
    if extra:
        raise InputError(f"{path / extra[0]}: is not listed in the manifest: remove it")
    return manifest


def _draw(seed: int, *parts: str) -> str:
    return hashlib.sha256("\0".join((str(seed), *parts)).encode()).hexdigest()


def _object(model: str, fields: Mapping[str, Any]) -> Fields:
    return {"model": f"studies.{model}", "fields": _rounded(dict(fields))}


def _rounded(value: Any) -> Any:
    """The same JSON value with floats of 9 significant digits, so that the last bits of a sum change no file."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no place in JSON: give None for what is undefined")
        return float(f"{value:.9g}") + 0.0
    if isinstance(value, Mapping):
        return {str(key): _rounded(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(entry) for entry in value]
    return value


def _lines(objects: Iterable[Fields]) -> bytes:
    """A JSON list with one object per line."""
    lines = ",\n".join(json.dumps(entry, sort_keys=True, ensure_ascii=False, allow_nan=False) for entry in objects)
    return f"[\n{lines}\n]\n".encode()
