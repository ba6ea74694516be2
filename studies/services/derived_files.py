"""Files that are made from a study's answers and kept in the storage, and are erased with them."""

from studies.media import folder_delete
from studies.models import Study

REPORTS_FOLDER = "reports"
"""Where the analysis keeps the reports of each study, in a folder named by its slug."""


def derived_files_erase(*, study: Study) -> None:
    """Delete everything that was made from the answers of a study; it can be made again from those that are left."""
    folder_delete(f"{REPORTS_FOLDER}/{study.slug}")
