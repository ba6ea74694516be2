"""Images in: a folder or a table becomes samples, splits, and one decoded array that every step shares."""

from attribution.images.decoding import Decoded, decode
from attribution.images.folder import list_folder
from attribution.images.preprocessing import Preprocessing, normalise
from attribution.images.samples import Dataset, Sample
from attribution.images.splitting import Splits, split
from attribution.images.table import list_csv

__all__ = [
    "Dataset",
    "Decoded",
    "Preprocessing",
    "Sample",
    "Splits",
    "decode",
    "list_csv",
    "list_folder",
    "normalise",
    "split",
]
