"""Networks by name, each with its preprocessing, number of classes and default GradCAM layer.

Forms of a network's `spec`:

- ``torchvision:resnet18`` or ``torchvision:resnet18?weights=DEFAULT``: a classifier of torchvision;
- ``import:package.module:factory``: whatever `factory` (called with ``network.arguments``) returns, an `nn.Module`;
  an argument that itself starts with ``import:`` is looked up, and called if it can be called;
- ``file:path.pt``: a file that holds an architecture's name, its arguments and its weights; the names are in
  `attribution.architectures`.
"""

import copy
import importlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_leaves

from attribution.architectures import ARCHITECTURES
from attribution.config import NetworkConfig
from attribution.errors import InputError
from attribution.images import Preprocessing
from attribution.registries import lookup

IMAGENET = Preprocessing(
    size=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), fit="crop", resize=256, interpolation="bilinear"
)
# The last feature map before pooling, where the trace below would name an outer container instead. In a ViT, which
# pools nothing, the last place from which the patches still reach the logits: after the last block's attention only
# the class token does.
DEFAULT_LAYERS = {
    "convnext": "features.7",
    "resnet": "layer4",
    "swin": "permute",
    "vgg11": "features.19",
    "vgg13": "features.23",
    "vgg16": "features.29",
    "vgg19": "features.35",
    "vit_b": "encoder.layers.encoder_layer_11.ln_1",
    "vit_h": "encoder.layers.encoder_layer_31.ln_1",
    "vit_l": "encoder.layers.encoder_layer_23.ln_1",
}


@dataclass(frozen=True)
class Network:
    """An image classifier in eval mode.

    `columns` are the classes it chooses among when it predicts (None: all). Logits always cover all classes, so
    that what is asked of the network counts for all of them. `layer_shape` says what the feature layer puts out:
    "channels_first" [N, K, h, w], "channels_last" [N, h, w, K], or tokens [N, T, K], row by row: "tokens", or
    "tokens+1" after one class token (or however many). None: to be told from the output's shape.
    """

    name: str
    spec: str
    module: nn.Module
    preprocessing: Preprocessing
    layer: str
    classes: int
    columns: tuple[int, ...] | None = None
    layer_shape: str | None = None

    def logits(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of normalised images [N, 3, H, W]."""
        logits: Tensor = self.module(images)
        return logits

    def choices(self) -> list[int]:
        """The class indices it chooses among."""
        return list(range(self.classes)) if self.columns is None else list(self.columns)

    def copy(self) -> "Network":
        """A network with weights of its own, to be fine-tuned. InputError if its module cannot be copied."""
        try:
            module = copied(self.module)
        except COPYING_FAILED as error:
            raise InputError(
                f"network {self.name}: a copy of it to be fine-tuned cannot be made ({error}): keep no such thing on "
                "its modules"
            ) from error
        return replace(self, module=module)

    def restricted(self, classes: Sequence[int]) -> "Network":
        """The same network choosing among `classes` only."""
        return replace(self, columns=tuple(classes))

    def to(self, device: torch.device) -> "Network":
        self.module.to(device)
        return self

    def feature_layer(self) -> nn.Module:
        """The module whose output GradCAM explains; InputError if the network has none of that name."""
        module: nn.Module = lookup(modules_by_name(self.module), self.layer, f"network {self.name}: layer", "module")
        return module

    def weights_digest(self) -> str:
        """SHA-256 over the names and values of the network's parameters and buffers."""
        digest = sha256()
        for name, value in sorted(self.module.state_dict().items()):
            digest.update(name.encode())
            # As bytes, because numpy has no bfloat16.
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


# What copying a module raises if it holds something that cannot be copied: a graph, a lock, a generator, a file.
COPYING_FAILED = (RuntimeError, TypeError, AttributeError, ValueError, copy.Error, pickle.PicklingError)


def copied(module: nn.Module, known: dict[int, Any] | None = None) -> nn.Module:
    """A deep copy, with what `known` gives for the objects of these ids.

    Activations that the module keeps, and weights that old-style weight_norm made in the last pass, come without their
    graph, which cannot be copied. Raises one of `COPYING_FAILED` if something else cannot be.
    """
    known = dict(known or {})
    for child in module.modules():
        for kept in tree_leaves(list(vars(child).values())):
            if isinstance(kept, Tensor) and not kept.is_leaf:
                known.setdefault(id(kept), kept.detach().clone())
    return copy.deepcopy(module, known)


def modules_by_name(module: nn.Module) -> dict[str, nn.Module]:
    """Every module within it by each of its names: one that is in two places has two."""
    return dict(module.named_modules(remove_duplicate=False))


def refuse_batch_statistics(module: nn.Module, where: str) -> None:
    """InputError if a BatchNorm normalises with the batch's own statistics: maps would depend on batch mates."""
    for name, child in module.named_modules():
        # _BatchNorm is what all BatchNorms are and InstanceNorm is not.
        if isinstance(child, _BatchNorm) and (child.training or child.running_mean is None):
            raise InputError(
                f"{where}: {name or 'it'} ({type(child).__name__}) normalises with the statistics of the batch: the "
                "map of an image would depend on the others beside it: use a network whose BatchNorm keeps running "
                "statistics (track_running_stats=True) and is in eval mode, or another normalisation"
            )


@contextmanager
def frozen(network: Network) -> Iterator[None]:
    """Parameters ask for no gradients inside the block: maps need none of theirs, and are made faster without."""
    before = [(parameter, parameter.requires_grad) for parameter in network.module.parameters()]
    try:
        for parameter, _ in before:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter, wanted in before:
            parameter.requires_grad_(wanted)


def load_network(config: NetworkConfig, where: str) -> Network:
    """The network that `config` names, on the CPU, in eval mode. InputError names `where`, its place in the file."""
    scheme, _, rest = config.spec.partition(":")
    loader = lookup(LOADERS, scheme, f"{where}.spec", "kind of network")
    module, preprocessing = loader(rest, config, where)
    module.eval()
    refuse_batch_statistics(module, where)
    if config.preprocessing is not None:
        preprocessing = _preprocessing(asdict(config.preprocessing), f"{where}.preprocessing")
    if preprocessing is None:
        raise InputError(f"{where}.preprocessing: missing: {config.spec} does not say how its input is made")
    classes, traced = _trace(module, preprocessing.size, where)
    layer = config.layer or _default_layer(config.spec) or traced
    network = Network(config.name, config.spec, module, preprocessing, layer, classes, layer_shape=config.layer_shape)
    lookup(modules_by_name(module), layer, f"{where}.layer", "module")
    return network


def _preprocessing(fields: Any, where: str) -> Preprocessing:
    try:
        return Preprocessing(**fields)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {error}") from error


def _made(make: Callable[..., nn.Module], arguments: Any, where: str, what: str) -> nn.Module:
    """What `make` returns for `arguments`; an InputError if it does not take them."""
    try:
        return make(**arguments)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(f"{where}: {what} cannot be made with the arguments {arguments}: {error}") from error


def _torchvision(rest: str, config: NetworkConfig, where: str) -> tuple[nn.Module, Preprocessing | None]:
    from torchvision import models

    name, _, query = rest.partition("?")
    known = models.list_models(module=models)
    lookup(dict.fromkeys(known, name), name, f"{where}.spec", "torchvision network")
    options = dict(parse_qsl(query))
    unknown = set(options) - {"weights"}
    if unknown:
        raise InputError(f"{where}.spec: unknown option {', '.join(sorted(unknown))} (known: weights)")
    weights = None
    if "weights" in options:
        choices = {entry.name: entry for entry in models.get_model_weights(name)} | {
            "DEFAULT": models.get_model_weights(name).DEFAULT
        }
        weights = lookup(choices, options["weights"], f"{where}.spec", "weights")
    for own in {"name", "weights"} & set(config.arguments):
        raise InputError(f"{where}.arguments: {own} is not among them: it is part of the spec, {name}?weights=DEFAULT")
    module = _made(partial(models.get_model, name, weights=weights), config.arguments, f"{where}.arguments", name)
    if weights is None:
        return module, IMAGENET
    made = weights.transforms()
    return module, Preprocessing(
        size=made.crop_size[0],
        mean=tuple(made.mean),
        std=tuple(made.std),
        fit="crop",
        resize=made.resize_size[0],
        interpolation=made.interpolation.value,
    )


def _import(rest: str, config: NetworkConfig, where: str) -> tuple[nn.Module, Preprocessing | None]:
    factory = _imported(rest, f"{where}.spec")
    arguments: dict[str, Any] = {}
    for key, value in config.arguments.items():
        if isinstance(value, str) and value.startswith("import:"):
            found = _imported(value.removeprefix("import:"), f"{where}.arguments.{key}")
            arguments[key] = found() if callable(found) else found
        else:
            arguments[key] = value
    try:
        module = factory(**arguments)
    except TypeError as error:
        raise InputError(f"{where}.arguments: {rest} does not take them: {error}") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"{where}.spec: {rest} returned {type(module).__name__}: it must return a torch.nn.Module")
    return module, None


def _imported(target: str, where: str) -> Any:
    """The object that ``package.module:name.name`` stands for."""
    module_name, _, attributes = target.partition(":")
    if not attributes:
        raise InputError(f"{where}: {target!r} names no factory: write import:package.module:factory")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(f"{where}: cannot import {module_name!r} ({error}): install it or mend the name") from error
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise InputError(f"{where}: {module_name} has no {attributes!r}: mend the name")
        found = getattr(found, attribute)
    return found


def _file(rest: str, config: NetworkConfig, where: str) -> tuple[nn.Module, Preprocessing | None]:
    path = Path(rest)
    if not path.is_file():
        raise InputError(f"{where}.spec: {path}: no such file: name the network's .pt file")
    if config.arguments:
        raise InputError(
            f"{where}.arguments: {', '.join(sorted(config.arguments))}: the file {path} holds its network's own "
            "arguments: leave these out"
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise InputError(f"{where}.spec: {path}: not a readable network file: {error}") from error
    missing = {"architecture", "state_dict", "preprocessing"} - set(content if isinstance(content, dict) else ())
    if missing:
        lacking = ", ".join(sorted(missing))
        raise InputError(f"{where}.spec: {path}: lacks {lacking}: docs/offline.md says what a network file holds")
    name = str(content["architecture"])
    architecture = lookup(ARCHITECTURES, name, f"{where}.spec: {path}", "architecture")
    module = _made(architecture, content.get("arguments", {}), f"{where}.spec: {path}: arguments", name)
    try:
        module.load_state_dict(content["state_dict"])
    except (RuntimeError, TypeError) as error:
        raise InputError(f"{where}.spec: {path}: the weights do not fit the architecture: {error}") from error
    return module, _preprocessing(content["preprocessing"], f"{where}.spec: {path}: preprocessing")


LOADERS: dict[str, Callable[[str, NetworkConfig, str], tuple[nn.Module, Preprocessing | None]]] = {
    "torchvision": _torchvision,
    "import": _import,
    "file": _file,
}


def _default_layer(spec: str) -> str | None:
    scheme, _, rest = spec.partition(":")
    if scheme != "torchvision":
        return None
    name = rest.partition("?")[0].removesuffix("_bn")
    if rest.partition("?")[0].endswith("_bn"):
        return None
    return next((layer for prefix, layer in DEFAULT_LAYERS.items() if name.startswith(prefix)), None)


def _trace(module: nn.Module, size: int, where: str) -> tuple[int, str]:
    """Number of classes, and the name of the last module that puts out a feature map before pooling.

    Tokens after a feature map mean that it was no more than cut into patches: then no name is given, and what needs a
    feature layer asks for one.
    """
    last: list[str] = []
    names = {id(child): name for name, child in module.named_modules() if name}

    def watch(child: nn.Module, _inputs: object, output: object) -> None:
        if not isinstance(output, Tensor) or len(output) != 1:
            return
        if output.ndim == 4 and output.shape[2] > 1 and output.shape[3] > 1:
            last.append(names[id(child)])
        elif output.ndim == 3 and output.shape[1] > 1 and output.shape[2] > 1:
            last.append("")

    handles = [child.register_forward_hook(watch) for name, child in module.named_modules() if name]
    try:
        with torch.no_grad():
            logits = module(torch.zeros(1, 3, size, size))
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        raise InputError(f"{where}: does not accept one image of 3x{size}x{size}: {error}") from error
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        raise InputError(f"{where}: must answer with logits of shape [images, classes]")
    return int(logits.shape[1]), last[-1] if last else ""
