"""list_oxford_pets, on a tree of the form of the Oxford-IIIT Pet data set."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attribution.errors import InputError
from attribution.images import Dataset, Preprocessing, decode, list_oxford_pets
from attribution.tests.images import photo

WHERE = "study.toml: dataset"
FOUR = Preprocessing(size=4, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fit="squash")
TRIMAP = [
    [2, 3, 3, 3],
    [2, 3, 1, 3],
    [2, 3, 1, 3],
    [2, 2, 3, 2],
]
LIST = """#Image CLASS-ID SPECIES BREED ID
#ID: 1:37 Class ids
Abyssinian_100 1 1 1
american_bulldog_7 2 2 1
american_bulldog_8 2 2 1
"""


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return pets_tree(tmp_path / "pets")


def pets_tree(root: Path) -> Path:
    """Three pets of two breeds, with the whole list and a test list."""
    (root / "annotations" / "trimaps").mkdir(parents=True)
    (root / "annotations" / "list.txt").write_text(LIST)
    (root / "annotations" / "test.txt").write_text("american_bulldog_8 2 2 1\n")
    for stem in ("Abyssinian_100", "american_bulldog_7", "american_bulldog_8"):
        photo(root / "images" / f"{stem}.jpg", (4, 4))
        Image.fromarray(np.array(TRIMAP, dtype=np.uint8)).save(root / "annotations" / "trimaps" / f"{stem}.png")
    return root


def listed(root: Path, **options: object) -> Dataset:
    return list_oxford_pets(root, name="Pets", where=WHERE, **options)  # type: ignore[arg-type]


def test_the_list_gives_names_breeds_and_numbers(pets: Path) -> None:
    dataset = listed(pets)
    assert [(sample.name, sample.label, sample.class_index) for sample in dataset.samples] == [
        ("Abyssinian_100", "Abyssinian", 0),
        ("american_bulldog_7", "american_bulldog", 1),
        ("american_bulldog_8", "american_bulldog", 1),
    ]
    assert dataset.counted == 2


def test_a_subset_has_its_own_list(pets: Path) -> None:
    assert [sample.name for sample in listed(pets, subset="test").samples] == ["american_bulldog_8"]
    with pytest.raises(InputError, match=r"trainval\.txt does not exist: .*annotations has list\.txt, test\.txt"):
        listed(pets, subset="trainval")


@pytest.mark.parametrize(
    ("border_is_object", "expected"),
    [
        (False, [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]),
        (True, [[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 1, 0]]),
    ],
)
def test_the_border_belongs_to_the_pet_only_on_request(
    pets: Path, tmp_path: Path, border_is_object: bool, expected: list[list[int]]
) -> None:
    decoded = decode(listed(pets, border_is_object=border_is_object), FOUR, tmp_path / "cache")
    assert decoded.masks is not None
    assert decoded.masks[0].astype(int).tolist() == expected


def test_the_networks_own_indices_are_taken(pets: Path) -> None:
    given = {"Abyssinian": 5, "american_bulldog": 3}
    assert listed(pets, class_indices=given).classes == {3: "american_bulldog", 5: "Abyssinian"}
    with pytest.raises(InputError, match=r"dataset\.class_indices: no index for class Abyssinian"):
        listed(pets, class_indices={"american_bulldog": 3})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Abyssinian_100 one 1 1\n", r'list\.txt line 1 is "Abyssinian_100 one 1 1": write file and class number'),
        ("Abyssinian_100\n", r'list\.txt line 1 is "Abyssinian_100"'),
        ("Abyssinian_100 0 1 1\n", r"line 1 is"),
        ("abyssinian 1 1 1\n", r"line 1 is"),
        ("# nothing\n", r"list\.txt lists nothing"),
        ("Abyssinian_100 1 1 1\namerican_bulldog_7 1 2 1\n", r'"Abyssinian" and "american_bulldog" share the index 0'),
        ("american_bulldog_7 1 2 1\namerican_bulldog_8 2 2 1\n", r'"american_bulldog" has two indices, 0 and 1'),
    ],
)
def test_a_wrong_list_is_refused(pets: Path, text: str, message: str) -> None:
    (pets / "annotations" / "list.txt").write_text(text)
    with pytest.raises(InputError, match=rf"study\.toml: dataset\.subset: .*{message}"):
        listed(pets)


@pytest.mark.parametrize("lost", ["images/Abyssinian_100.jpg", "annotations/trimaps/Abyssinian_100.png"])
def test_a_missing_file_is_named(pets: Path, lost: str) -> None:
    (pets / lost).unlink()
    with pytest.raises(InputError, match=rf"1 of 3 files do not exist \(.*{lost}\)"):
        listed(pets)


def test_a_damaged_trimap_is_named_and_its_image_left_out(pets: Path) -> None:
    trimap = pets / "annotations" / "trimaps" / "american_bulldog_7.png"
    trimap.write_bytes(b"no image")
    dataset = listed(pets)
    assert [sample.name for sample in dataset.samples] == ["Abyssinian_100", "american_bulldog_8"]
    assert dataset.unreadable[0].startswith(f"{trimap}: cannot identify")


def test_a_trimap_that_was_stretched_to_grey_levels_is_named_when_it_is_read(pets: Path, tmp_path: Path) -> None:
    trimap = pets / "annotations" / "trimaps" / "american_bulldog_7.png"
    Image.fromarray(np.array(TRIMAP, dtype=np.uint8) * 85).save(trimap)
    decoded = decode(listed(pets), FOUR, tmp_path / "cache")
    assert decoded.unreadable == (
        f"{trimap}: has the number 85, which this layout does not know: keep the data set's own file",
    )
    assert decoded.readable.tolist() == [True, False, True]
