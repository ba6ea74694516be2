"""Methods in a file beside the config: which code runs, and what is told apart by it."""

import inspect
import os
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest

from attribution import pipeline
from attribution.attributors import ATTRIBUTORS, Attributor
from attribution.errors import InputError
from attribution.identity import method_identity
from attribution.metrics import METRICS
from attribution.registries import method
from attribution.tests.test_pipeline import files_of
from attribution.trainers import TRAINERS

FILE = """
from dataclasses import dataclass
from typing import ClassVar

from attribution.attributors import Saliency
from attribution.attributors.base import Attribution


@dataclass(frozen=True)
class Mine(Saliency):
    name: ClassVar[str] = "Mine"
    factor: float = 1.0

    def __call__(self, network, images, targets, *, create_graph=False):
        made = super().__call__(network, images, targets, create_graph=create_graph)
        return Attribution(made.maps ** 1, made.logits)
"""


def found(folder: Path, name: str = "my_methods:Mine") -> Any:
    return method(
        ATTRIBUTORS,
        name,
        "study.toml: attributors[0].name",
        "attributor",
        protocol=Attributor,
        folder=folder,
    )


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_two_folders_have_each_their_own_file_of_the_same_name(tmp_path: Path) -> None:
    for name, factor in (("one", "1.0"), ("two", "2.0")):
        write(tmp_path / name / "my_methods.py", FILE.replace("float = 1.0", f"float = {factor}"))
    assert found(tmp_path / "one")().factor == 1.0
    assert found(tmp_path / "two")().factor == 2.0
    assert found(tmp_path / "one") is found(tmp_path / "one")


def test_an_edited_file_runs_as_it_is_now_even_at_the_same_size_and_second(tmp_path: Path) -> None:
    path = write(tmp_path / "my_methods.py", FILE)
    before = found(tmp_path)
    identity, times = method_identity(before()), path.stat()
    path.write_text(FILE.replace("float = 1.0", "float = 3.0"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = found(tmp_path)
    assert after().factor == 3.0
    assert method_identity(after(factor=1.0))["own code"] != identity["own code"]
    assert method_identity(before()) == identity, "what was loaded counts, not what is in the file now"


def test_the_code_of_a_file_that_it_imports_from_beside_it_counts_too(tmp_path: Path) -> None:
    write(tmp_path / "my_methods.py", "from my_helper_file import FACTOR\n" + FILE.replace("= 1.0", "= FACTOR"))
    helper = write(tmp_path / "my_helper_file.py", "FACTOR = 4.0")
    before = found(tmp_path)
    assert before().factor == 4.0
    times = helper.stat()
    helper.write_text("FACTOR = 5.0")
    os.utime(helper, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = found(tmp_path)
    assert after().factor == 5.0
    assert method_identity(before())["own code"] != method_identity(after())["own code"]


def test_two_files_share_what_both_import_from_beside_them(tmp_path: Path) -> None:
    write(tmp_path / "my_shared_file.py", "class Known: pass")
    text = "from my_shared_file import Known\n" + FILE + "    known: ClassVar[type] = Known\n"
    write(tmp_path / "my_methods.py", text)
    write(tmp_path / "my_others.py", text)
    assert found(tmp_path).known is found(tmp_path, "my_others:Mine").known


def test_helpers_of_the_same_name_in_two_folders_are_two(tmp_path: Path) -> None:
    for name, factor in (("one", "1.0"), ("two", "2.0"), ("one", "1.0")):
        write(tmp_path / name / "my_middle_file.py", "from my_inner_file import FACTOR")
        write(tmp_path / name / "my_inner_file.py", f"FACTOR = {factor}")
        text = f"# {factor}\nfrom my_middle_file import FACTOR\n" + FILE.replace("= 1.0", "= FACTOR")
        write(tmp_path / name / "my_methods.py", text)
        assert found(tmp_path / name)().factor == float(factor)


def test_what_another_folder_has_is_not_imported_from_there(tmp_path: Path) -> None:
    write(tmp_path / "one" / "my_only_file.py", "FACTOR = 1.0")
    for name in ("one", "two"):
        write(tmp_path / name / "my_methods.py", "from my_only_file import FACTOR\n" + FILE)
    found(tmp_path / "one")
    with pytest.raises(InputError, match=r"cannot import 'my_methods' .*No module named 'my_only_file'"):
        found(tmp_path / "two")


@pytest.mark.parametrize("registry", [ATTRIBUTORS, METRICS, TRAINERS], ids=["attributors", "metrics", "trainers"])
def test_harmonys_own_methods_are_told_apart_without_an_address(registry: dict[str, type]) -> None:
    for kind in registry.values():
        identity = method_identity(kind())
        assert identity["own code"] == []
        assert " at 0x" not in str(identity)
        assert is_dataclass(kind)


def test_the_same_code_has_the_same_identity_in_another_folder(tmp_path: Path) -> None:
    identities = [method_identity(found(write(tmp_path / name / "my_methods.py", FILE).parent)()) for name in "ab"]
    assert identities[0] == identities[1]
    assert identities[0]["options"] == {"signed": "False", "factor": "1.0"}


def test_the_source_of_a_class_can_be_found(tmp_path: Path) -> None:
    path = write(tmp_path / "my_methods.py", FILE)
    assert inspect.getfile(found(tmp_path)) == str(path)
    assert "class Mine" in inspect.getsource(found(tmp_path))


def test_a_mistake_in_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "my_methods.py", FILE + "\ndef broken(:\n")
    with pytest.raises(InputError, match=rf"attributors\[0\]\.name: {path}, line 18: invalid syntax: mend the file"):
        found(tmp_path)


@pytest.mark.parametrize("decorator", ["", "@dataclass"], ids=["undecorated", "not frozen"])
def test_a_method_whose_options_cannot_be_told_apart_is_refused(tmp_path: Path, decorator: str) -> None:
    text = FILE.replace("@dataclass(frozen=True)", decorator).replace("(Saliency)", "").replace("super()", "Saliency()")
    write(tmp_path / "my_methods.py", text + "\n    differentiable: ClassVar[bool] = False\n")
    with pytest.raises(InputError, match=r"my_methods:Mine is no frozen dataclass.*write @dataclass\(frozen=True\)"):
        found(tmp_path)


def test_maps_follow_the_code_of_an_attributor_that_is_edited_between_runs(small_run: Path, tmp_path: Path) -> None:
    text = small_run.read_text().replace('["GradCAM", "GuidedBackprop"]', '["GradCAM", "my_methods:Mine"]')
    small_run.write_text(text[: text.rindex("[[metrics]]")].replace("steps = 6", "steps = 2"))
    path = write(small_run.parent / "my_methods.py", FILE)
    first = files_of(pipeline.build(small_run, tmp_path / "out", device="cpu"))
    path.write_text(FILE.replace("** 1", "** 2"))
    resumed = files_of(pipeline.build(small_run, tmp_path / "out", resume=True, device="cpu"))
    assert resumed != first
    assert resumed == files_of(pipeline.build(small_run, tmp_path / "fresh", device="cpu"))
