"""Superpixels of images (SLIC, Achanta et al. 2012), each image segmented once."""

from collections import OrderedDict
from hashlib import sha256
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attribution.images import Preprocessing

# Segmentations that are remembered: 100 kB each at 224 px.
REMEMBERED = 2048

_remembered: OrderedDict[tuple[str, int, float], NDArray[np.int16]] = OrderedDict()
_lock = Lock()


def superpixels(images: Tensor, preprocessing: Preprocessing, *, segments: int, compactness: float = 10.0) -> Tensor:
    """Segments of normalised images, int64 [N, H, W], counted from 0 without gaps.

    About `segments` of them: SLIC decides, in the Lab colours of the image as a picture, with 8 bits. An image of one
    colour may come out as a single segment. What an image gets depends on its bytes alone.
    """
    pictures = _pictures(images, preprocessing)
    labels = np.stack([_segmented(picture, segments, compactness) for picture in pictures])
    return torch.from_numpy(labels).to(images.device).long()


def _pictures(images: Tensor, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Normalised images [N, 3, H, W] as the pictures [N, H, W, 3] they were."""
    pixels = images.detach().cpu().double().permute(0, 2, 3, 1).numpy()
    values = (pixels * np.asarray(preprocessing.std) + np.asarray(preprocessing.mean)) * 255
    return np.ascontiguousarray(values.round().clip(0, 255).astype(np.uint8))


def _segmented(picture: NDArray[np.uint8], segments: int, compactness: float) -> NDArray[np.int16]:
    from skimage.segmentation import slic

    key = (sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest(), segments, compactness)
    with _lock:
        if key in _remembered:
            _remembered.move_to_end(key)
            return _remembered[key]
    found = slic(picture, n_segments=segments, compactness=compactness, start_label=0, channel_axis=2)
    labels = np.unique(found, return_inverse=True)[1].reshape(found.shape).astype(np.int16)
    with _lock:
        _remembered[key] = labels
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)
    return labels


def forget() -> None:
    """Segment every image anew from here on."""
    with _lock:
        _remembered.clear()
