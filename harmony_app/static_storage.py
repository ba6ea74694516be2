"""Static files under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModulesManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, in which scripts import each other by the hashed names too.

    So browsers may keep every module for good, never mix an old one with a new one, and preload what is then imported.
    """

    support_js_module_import_aggregation = True
