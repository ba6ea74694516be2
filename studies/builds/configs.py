"""Run configs as the web side sees them: checked for their form, not for what they name on other machines."""

from attribution.config import RunConfig, parse_config
from attribution.errors import InputError
from studies.bundles.archive import BUILT

LONGEST_CONFIG = 256 * 1024
LONGEST_FILE_NAME = 200


class ConfigError(ValueError):
    """A run config that cannot be used; the message names the file, the key and the remedy."""


def checked_config(text: str, file_name: str) -> RunConfig:
    """Check a run config. Raises ConfigError that names the file, every wrong key and its remedy."""
    where = file_name[-LONGEST_FILE_NAME:] or "the config"
    if len(text) > LONGEST_CONFIG:
        raise ConfigError(f"{where}: is longer than {LONGEST_CONFIG >> 10} KiB: leave out what is no setting")
    try:
        config = parse_config(text, where)
    except InputError as error:
        raise ConfigError(str(error)) from error
    except RecursionError as error:
        raise ConfigError(f"{where}: lists or tables lie too deep in each other: write them flat") from error
    _check_pictures(config, where)
    return config


def _check_pictures(config: RunConfig, where: str) -> None:
    """Refuse a study whose bundle could not be loaded after all the work. Raises ConfigError."""
    originals = len(config.networks) * len(config.attributors)
    conditions = originals * len(config.metrics)
    # Of each pair an image, the originals' maps, and a map of every condition; two files say what they are.
    files = config.pairs * (1 + originals + conditions) + 2
    if files > BUILT.entries:
        most = (BUILT.entries - 2) // (1 + originals + conditions)
        raise ConfigError(
            f"{where}: pairs: {config.pairs:,} in {conditions:,} conditions make up to {files:,} pictures, and a study "
            f"may have {BUILT.entries:,}: take at most {most:,} pairs, or fewer metrics, attributors or networks"
        )
