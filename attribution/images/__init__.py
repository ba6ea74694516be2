"""Images in: a folder, a table or a public data set becomes samples, splits and one decoded array for every step."""

from attribution.images.coco import list_coco
from attribution.images.decoding import Decoded, decode
from attribution.images.folder import list_folder
from attribution.images.imagenet_s import list_imagenet_s
from attribution.images.oxford_pets import list_oxford_pets
from attribution.images.preprocessing import Preprocessing, normalise
from attribution.images.samples import Dataset, Sample
from attribution.images.splitting import Splits, split
from attribution.images.table import list_csv
from attribution.images.voc import list_voc

__all__ = [
    "Dataset",
    "Decoded",
    "Preprocessing",
    "Sample",
    "Splits",
    "decode",
    "list_coco",
    "list_csv",
    "list_folder",
    "list_imagenet_s",
    "list_oxford_pets",
    "list_voc",
    "normalise",
    "split",
]
