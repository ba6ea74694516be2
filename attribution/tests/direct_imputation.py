"""Linear imputation in the plainest way: one equation per removed pixel, a direct solver, float64."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import lil_array
from scipy.sparse.linalg import spsolve


def direct_imputation(image: NDArray[np.float64], removed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The image [C, H, W] whose removed pixels [H, W] are weighted means of their neighbours inside the image."""
    height, width = removed.shape
    pixels = [(int(row), int(column)) for row, column in np.argwhere(removed)]
    unknown = {pixel: place for place, pixel in enumerate(pixels)}
    matrix = lil_array((len(pixels), len(pixels)))
    right = np.zeros((len(pixels), len(image)))
    for (row, column), place in unknown.items():
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                other = (row + down, column + across)
                inside = 0 <= other[0] < height and 0 <= other[1] < width
                if other == (row, column) or not inside:
                    continue
                weight = 1 / 6 if down == 0 or across == 0 else 1 / 12
                matrix[place, place] += weight
                if other in unknown:
                    matrix[place, unknown[other]] -= weight
                else:
                    right[place] += weight * image[:, other[0], other[1]]
    filled = image.astype(np.float64)
    if pixels:
        rows, columns = zip(*pixels, strict=True)
        filled[:, rows, columns] = np.reshape(spsolve(matrix.tocsc(), right), right.shape).T
    return filled
