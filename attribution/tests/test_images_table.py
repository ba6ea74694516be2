"""list_csv."""

from pathlib import Path

import pytest

from attribution.errors import InputError
from attribution.images import Dataset, list_csv
from attribution.images.masks import MarkedPixels
from attribution.tests.images import mask_file, photo

WHERE = "study.toml: dataset"
COLUMNS = {"image": "file", "label": "name"}


def listed(tmp_path: Path, text: str, columns: dict[str, str], masks: Path | None = None) -> Dataset:
    table = tmp_path / "index.csv"
    table.write_text(text)
    return list_csv(table, tmp_path / "photos", name="pets", masks=masks, columns=columns, where=WHERE)


@pytest.fixture(autouse=True)
def photos(tmp_path: Path) -> None:
    photo(tmp_path / "photos" / "a.jpg", seed=1)
    photo(tmp_path / "photos" / "b.jpg", seed=2)


def test_rows_become_samples_with_the_classes_of_the_network(tmp_path: Path) -> None:
    dataset = listed(
        tmp_path, "file,name,imagenet\nb.jpg,koala,105\na.jpg,cock,7\n", COLUMNS | {"class_index": "imagenet"}
    )
    assert [(sample.name, sample.label, sample.class_index) for sample in dataset.samples] == [
        ("a", "cock", 7),
        ("b", "koala", 105),
    ]


def test_without_indices_labels_are_counted_in_sorted_order(tmp_path: Path) -> None:
    assert listed(tmp_path, "file,name\na.jpg,koala\nb.jpg,cock\n", COLUMNS).classes == {0: "cock", 1: "koala"}


def test_boxes_are_read_from_four_columns(tmp_path: Path) -> None:
    columns = COLUMNS | {"x0": "left", "y0": "top", "x1": "right", "y1": "bottom"}
    dataset = listed(tmp_path, "file,name,left,top,right,bottom\na.jpg,cock,1,2,11,9\nb.jpg,cock,0,0,0,0\n", columns)
    assert [sample.boxes for sample in dataset.samples] == [((1, 2, 11, 9),), ((0, 0, 0, 0),)]


def test_mask_paths_start_at_the_mask_folder_or_at_the_table(tmp_path: Path) -> None:
    mask_file(tmp_path / "masks" / "a.png")
    columns = COLUMNS | {"mask": "mask"}
    inside = listed(tmp_path, "file,name,mask\na.jpg,cock,a.png\n", columns, tmp_path / "masks")
    beside = listed(tmp_path, "file,name,mask\na.jpg,cock,masks/a.png\n", columns)
    assert inside.samples[0].mask == beside.samples[0].mask == MarkedPixels(tmp_path / "masks" / "a.png")
    assert inside.digest == beside.digest


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (
            "file,name\na.jpg,cock\n",
            COLUMNS | {"mask": "msk"},
            r'^study\.toml: dataset\.columns\.mask: index\.csv has no column "msk": use one of .* \(file, name\)',
        ),
        ("file,name\na.jpg,cock\n", {"image": "file"}, r"dataset\.columns\.label: missing: name the column"),
        ("file,name\na.jpg,cock\n", COLUMNS | {"imgae": "file"}, r"dataset\.columns\.imgae: unknown key: use image"),
        ("file,name,x\na.jpg,cock,1\n", COLUMNS | {"x0": "x"}, r"dataset\.columns\.y0: missing: a box needs all of"),
        (
            "file,name,c\na.jpg,cock,seven\n",
            COLUMNS | {"class_index": "c"},
            r'dataset\.table: index\.csv row 2: c is "seven": give a whole number',
        ),
        (
            "file,name,c\na.jpg,cock,7\nb.jpg,cock,8\n",
            COLUMNS | {"class_index": "c"},
            r'class_index: class "cock" has two indices, 7 and 8',
        ),
        (
            "file,name,c\na.jpg,cock,7\nb.jpg,hen,7\n",
            COLUMNS | {"class_index": "c"},
            r'classes "cock" and "hen" share the index 7',
        ),
        ("file,name,c\na.jpg,cock,-1\n", COLUMNS | {"class_index": "c"}, r"has the index -1: count classes from 0"),
        (
            "file,name\na.jpg,cock\nc.jpg,hen\n",
            COLUMNS,
            r"dataset\.columns\.image: 1 of 2 files do not exist \(.*c\.jpg\)",
        ),
        ("file,name\na.jpg,cock\na.jpg,hen\n", COLUMNS, r"row 3: a\.jpg is listed in row 2 too"),
        ("file,name\na.jpg,cock\nb.jpg,\n", COLUMNS, r"index\.csv row 3: name is empty"),
        ("file,name\n", COLUMNS, r"has no rows: add one row per image"),
        ("", COLUMNS, r"is empty: its first line must name the columns"),
        ("file,name,file\na.jpg,cock,a.jpg\n", COLUMNS, r"has the column file twice"),
        ('file,name\n"a.jpg,cock\n', COLUMNS, r"is not a CSV file"),
    ],
)
def test_a_wrong_table_is_refused_with_place_and_remedy(
    tmp_path: Path, text: str, columns: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        listed(tmp_path, text, columns)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset\.table: .*index\.csv does not exist: give the path of a CSV file"):
        list_csv(tmp_path / "index.csv", tmp_path, name="pets", columns=COLUMNS, where=WHERE)


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    table = tmp_path / "index.csv"
    table.write_bytes(b'\xef\xbb\xbffile,name\r\na.jpg,"cock, red"\r\n\r\nb.jpg,hen\r\n')
    dataset = list_csv(table, tmp_path / "photos", name="pets", columns=COLUMNS, where=WHERE)
    assert [sample.label for sample in dataset.samples] == ["cock, red", "hen"]


def test_a_mapping_gives_the_class_indices_of_the_network(tmp_path: Path) -> None:
    table = tmp_path / "index.csv"
    table.write_text("file,name,index\na.jpg,koala,1\nb.jpg,cock,2\n")
    given = {"koala": 105, "cock": 7}
    dataset = list_csv(table, tmp_path / "photos", name="pets", columns=COLUMNS, class_indices=given, where=WHERE)
    assert dataset.classes == {7: "cock", 105: "koala"}
    with pytest.raises(InputError, match=r"dataset\.class_indices: stands beside columns\.class_index: keep one"):
        list_csv(
            table,
            tmp_path / "photos",
            name="pets",
            columns=COLUMNS | {"class_index": "index"},
            class_indices=given,
            where=WHERE,
        )


def test_rows_that_differ_in_their_box_alone_stand_for_one_image(tmp_path: Path) -> None:
    columns = COLUMNS | {key: key for key in ("x0", "y0", "x1", "y1")}
    text = "file,name,x0,y0,x1,y1\na.jpg,cock,1,2,3,4\nb.jpg,cock,0,0,0,0\na.jpg,cock,5,6,7,8\n"
    dataset = listed(tmp_path, text, columns)
    assert [sample.boxes for sample in dataset.samples] == [((1, 2, 3, 4), (5, 6, 7, 8)), ((0, 0, 0, 0),)]


def test_two_boxes_of_one_image_with_two_labels_are_refused(tmp_path: Path) -> None:
    columns = COLUMNS | {key: key for key in ("x0", "y0", "x1", "y1")}
    text = "file,name,x0,y0,x1,y1\na.jpg,cock,1,2,3,4\na.jpg,koala,5,6,7,8\n"
    with pytest.raises(InputError, match=r"index\.csv row 3: a\.jpg is listed in row 2 too: keep one of the rows"):
        listed(tmp_path, text, columns)
