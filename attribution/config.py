"""A run as frozen dataclasses, read from TOML. Every result is a function of the run and its seed."""

import difflib
import json
import os
import re
import tomllib
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from attribution.config_values import Colour, Count, LayerShape, Option, Positive, Resized, Share, Side, Slug
from attribution.errors import InputError
from attribution.printable import printable, with_control_characters

_CLOSED = ConfigDict(extra="forbid")
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True, config=_CLOSED)
class SplitShares:
    """Shares of each class that go to the three splits."""

    train: Share = 0.6
    validation: Share = 0.2
    export: Share = 0.2


@dataclass(frozen=True, config=_CLOSED)
class DatasetConfig:
    """Where the images are, and what is known of them.

    ``layout = "folder"``: one folder per class below `images`; masks (PNG) in a parallel folder, or `boxes`, a CSV
    or a folder of XML files.
    ``layout = "csv"``: `table` lists the images; `columns` says which of its columns hold
    `image`, `label`, `class_index` and `mask` or `x0`, `y0`, `x1`, `y1` (inclusive pixels).
    ``layout = "imagenet_s"``: ImageNet's synset folders below `images`, ImageNet-S masks below `masks`.
    ``layout = "voc"`` and ``"oxford_pets"``: `images` is the data set's own folder, `subset` one of its lists.
    ``layout = "coco"``: `annotations` is the JSON of instances.

    Where an image has objects of several classes (voc, coco), those that cover `minimum_area` of it count, and
    `several_classes` says whether it gets the largest one's label or is skipped. `undecided` says what the pixels are
    that annotators left open (imagenet_s, voc, oxford_pets).

    `number_of_classes` are drawn by the run's seed, among `classes` if some are listed.
    """

    name: str
    layout: Literal["folder", "csv", "imagenet_s", "voc", "coco", "oxford_pets"]
    images: Path
    masks: Path | None = None
    boxes: Path | None = None
    table: Path | None = None
    annotations: Path | None = None
    synsets: Path | None = None
    categories: Path | None = None
    subset: str | None = None
    several_classes: Literal["largest", "skip"] = "largest"
    minimum_area: Annotated[float, Field(ge=0, lt=1)] = 0.01
    undecided: Literal["background", "object"] = "background"
    columns: dict[str, str] = Field(default_factory=dict)
    classes: tuple[str, ...] = ()
    number_of_classes: Count | None = None
    class_indices: dict[str, int] = Field(default_factory=dict)
    only_listed_classes: bool = False
    splits: SplitShares = SplitShares()


@dataclass(frozen=True, config=_CLOSED)
class PreprocessingConfig:
    """How a picture becomes the network's input; mean and std are in units of 0..1."""

    size: Side
    mean: Colour
    std: Colour
    fit: Literal["crop", "squash"] = "crop"
    resize: Resized | None = None
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"


@dataclass(frozen=True, config=_CLOSED)
class NetworkConfig:
    """A network by name; see `attribution.networks` for the forms of `spec`."""

    name: str
    spec: str
    layer: str | None = None
    layer_shape: LayerShape | None = None
    arguments: dict[str, Option] = Field(default_factory=dict)
    preprocessing: PreprocessingConfig | None = None


@dataclass(frozen=True, config=_CLOSED)
class AttributorConfig:
    """An attributor of the study and its options; a bare name in the file stands for one without options."""

    name: str
    label: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)

    @property
    def display(self) -> str:
        return self.label or self.name.rpartition(":")[2]


@dataclass(frozen=True, config=_CLOSED)
class TrainingConfig:
    """How a network is fine-tuned.

    Weight and learning rate follow the published study for its metrics if left out. ``preset = "published"`` asks for
    all of that study's settings, and is refused for a metric without; a key given beside it wins. `fidelity` left out
    is "inputs" under the preset and "inputs_and_images" without.
    """

    trainer: str = "fidelity"
    options: dict[str, Option] = Field(default_factory=dict)
    preset: Literal["published"] | None = None
    weight: Positive | None = None
    learning_rate: Positive | None = None
    steps: Count = 200
    batch: Count = 8
    gradient_clip: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0  # 0: none
    validate_every: Count = 20
    fidelity: Literal["inputs", "inputs_and_images"] | None = None
    minimum_agreement: Annotated[float, Field(ge=0, le=1)] = 0.95


@dataclass(frozen=True, config=_CLOSED)
class MetricConfig:
    """A learnable metric of the study: its options and how to fine-tune on it."""

    name: str
    label: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)
    training: TrainingConfig = TrainingConfig()
    # Checked as TrainingConfig, laid over `training`.
    training_for: dict[str, dict[str, object]] = Field(default_factory=dict)

    @property
    def display(self) -> str:
        return self.label or self.name.rpartition(":")[2]


@dataclass(frozen=True, config=_CLOSED)
class RenderingConfig:
    """How maps become pictures."""

    style: Literal["white_to_red", "perceptual", "overlay"] = "white_to_red"
    scale: Literal["map", "pair"] = "map"


@dataclass(frozen=True, config=_CLOSED)
class ProtocolConfig:
    """What annotators are asked, and how many of them."""

    question: str = "Which map explains the network’s answer better?"
    annotators_per_trial: Count = 5
    trials_per_annotator: Count | None = None
    allow_undo: bool = True
    offer_neither: bool = True


@dataclass(frozen=True, config=_CLOSED)
class RunConfig:
    """Everything one study's bundle is made from."""

    name: Slug
    title: str
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    pairs: Count
    attributors: Annotated[tuple[AttributorConfig, ...], Field(min_length=1)]
    dataset: DatasetConfig
    networks: Annotated[tuple[NetworkConfig, ...], Field(min_length=1)]
    metrics: Annotated[tuple[MetricConfig, ...], Field(min_length=1)]
    rendering: RenderingConfig = RenderingConfig()
    protocol: ProtocolConfig = ProtocolConfig()
    export_unimproved: bool = False
    batch: Count = 16

    def as_json(self) -> dict[str, Any]:
        """The run as plain JSON values; paths keep only their last parts, so that a bundle names no machine."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_short_path))
        for network in plain["networks"]:
            if network["spec"].startswith("file:"):
                network["spec"] = f"file:{_short_path(Path(network['spec'][5:]))}"
        return plain


def _short_path(value: object) -> str:
    if isinstance(value, Path):
        return "/".join(value.parts[-2:])
    raise TypeError(f"not a JSON value: {value!r}")


def training_for(metric: MetricConfig, attributor: str, where: str) -> TrainingConfig:
    """The metric's training settings, with those of ``training_for.<attributor>`` laid over them."""
    changes = metric.training_for.get(attributor, {})
    merged = {**asdict(metric.training), **changes}
    where = f"{where}: metrics.{metric.name}.training_for.{attributor}."
    training: TrainingConfig = _validated(TypeAdapter(TrainingConfig), merged, where)
    return training


def read_config(path: Path) -> RunConfig:
    """Read and check a run; relative paths in it are relative to its folder, ``$NAME`` stands for a variable.

    Raises InputError that names the file, every wrong key and its remedy.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file: name the run's TOML file (examples are in examples/)")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from error
    return parse_config(text, str(path), path.parent)


def parse_config(text: str, where: str, folder: Path | None = None) -> RunConfig:
    """Check a run given as text; `where` names it in messages. Relative paths in it are meant from `folder`.

    Without a folder paths and variables stay as they stand: then the run is looked at, and carried out elsewhere.
    Raises InputError that names every wrong key and its remedy.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not valid TOML: {error}") from error
    for key, told in with_control_characters(data, keep=("protocol.question",)):
        raise InputError(f"{where}: {printable(key)}: {told!r} has control characters in it: leave them out")
    alone = "network" in data
    _write_out_lists(data, where)
    try:
        if folder is not None:
            _locate(data, where, folder)
        config: RunConfig = _validated(TypeAdapter(RunConfig), data, f"{where}: ")
    except InputError as error:
        # The key as it stands in the file.
        raise InputError(str(error).replace("networks[0]", "network") if alone else str(error)) from error
    _check_labels(config, where)
    _check_blinding(config, where)
    return config


def _locate(data: dict[str, Any], where: str, folder: Path) -> None:
    """Make the paths of the dataset and of a ``file:`` network absolute, in place."""
    dataset = data.get("dataset")
    if isinstance(dataset, dict):
        for key in ("images", "masks", "boxes", "table", "annotations", "synsets", "categories"):
            if isinstance(dataset.get(key), str):
                dataset[key] = str(_absolute(dataset[key], where, folder, f"dataset.{key}"))
    networks = data.get("networks")
    for index, network in enumerate(networks if isinstance(networks, list) else []):
        if isinstance(network, dict) and str(network.get("spec", "")).startswith("file:"):
            file = _absolute(network["spec"][5:], where, folder, f"networks[{index}].spec")
            network["spec"] = f"file:{file}"


def _write_out_lists(data: dict[str, Any], where: str) -> None:
    """Write ``[network]`` out as ``[[networks]]`` with one entry, and ``"GradCAM"`` as ``{ name = "GradCAM" }``."""
    if "network" in data and "networks" in data:
        raise InputError(f"{where}: network: stands beside networks: keep [network] for one, [[networks]] for several")
    if "network" in data:
        data["networks"] = [data.pop("network")]
    listed = data.get("attributors")
    if isinstance(listed, list):
        data["attributors"] = [{"name": entry} if isinstance(entry, str) else entry for entry in listed]


def _absolute(value: str, where: str, folder: Path, key: str) -> Path:
    def variable(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise InputError(f"{where}: {key}: the environment variable {name} is not set: set it, or write the path")
        return os.environ[name]

    return (folder / Path(_VARIABLE.sub(variable, value)).expanduser()).resolve()


def _check_blinding(config: RunConfig, where: str) -> None:
    """Annotators read the title and the question; neither may tell what is compared."""
    told = ["original", "finetuned", "fine-tuned"]
    told += [name for metric in config.metrics for name in (metric.name, metric.display)]
    told += [name for attributor in config.attributors for name in (attributor.name, attributor.display)]
    for key, text in (("title", config.title), ("protocol.question", config.protocol.question)):
        for word in told:
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
                raise InputError(
                    f"{where}: {key}: annotators read it, and it says {word!r}: say nothing of the conditions"
                )


def _check_labels(config: RunConfig, where: str) -> None:
    attributors = [attributor.display for attributor in config.attributors]
    metrics = [metric.display for metric in config.metrics]
    networks = [network.name for network in config.networks]
    for what, names in (("metrics", metrics), ("attributors", attributors), ("networks", networks)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{where}: {what}: {', '.join(twice)} stands twice: give each its own `label` or drop one")
    for index, metric in enumerate(config.metrics):
        for attributor in metric.training_for:
            if attributor not in attributors:
                raise InputError(
                    f"{where}: metrics[{index}].training_for.{attributor}: no such attributor in this run "
                    f"(attributors: {', '.join(attributors)})"
                )
            training_for(metric, attributor, where)


def _validated(adapter: TypeAdapter[Any], data: dict[str, Any], prefix: str) -> Any:
    """Strict JSON validation: no number is read from a string, arrays become tuples, strings become paths."""
    try:
        return adapter.validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        problems = error.errors()
        # A list whose only entry is wrong also counts as too short: that line would mislead.
        wrong = [problem["loc"] for problem in problems]
        lines = [
            prefix + _describe(problem, adapter)
            for problem in problems
            if problem["type"] != "too_short" or not any(_inside(place, problem["loc"]) for place in wrong)
        ]
        raise InputError("\n".join(dict.fromkeys(lines))) from error


def _inside(place: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def _describe(problem: Any, adapter: TypeAdapter[Any]) -> str:
    location = [part for part in problem["loc"] if part not in ("function-after", "tuple", "dataclass")]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = _known_keys(adapter._type, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{key}: unknown key: {hint}(known: {', '.join(known)})"
    if problem["type"] in ("missing", "missing_argument"):
        return f"{key}: missing: add it"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message} (here: {problem['input']!r})"


def _known_keys(kind: Any, location: list[str | int]) -> list[str]:
    for part in location:
        hints = get_type_hints(kind) if is_dataclass(kind) else {}
        inner = hints.get(part) if isinstance(part, str) else kind
        kind = _dataclass_in(inner)
    return sorted(field.name for field in fields(kind)) if is_dataclass(kind) else []


def _dataclass_in(kind: Any) -> Any:
    """The dataclass inside ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if kind is None or is_dataclass(kind):
        return kind
    if get_origin(kind) is None:
        return None
    return next((found for found in map(_dataclass_in, get_args(kind)) if is_dataclass(found)), None)
