"""The command line: ``python -m attribution build study.toml``."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from attribution.errors import InputError
from attribution.printable import printable

INTERRUPTED = 130
LINE = "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it went well, 2 for input that cannot be used, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    _log_above_the_bars()
    try:
        run: Callable[[argparse.Namespace, Bars], None] = options.run
        with Bars() as bars:
            run(options, bars)
    except InputError as error:
        print(f"error: {printable(str(error), keep=LINE)}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name not in ("array_api_compat", "torch", "torchvision", "pydantic"):
            raise
        print(f"error: the offline module needs {error.name}: run bin/install all", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ninterrupted.{_how_to_go_on(options)}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _how_to_go_on(options: argparse.Namespace) -> str:
    if "device" not in options or getattr(options, "maps", None):
        return ""
    return f" What is finished is kept: the same command{' with --resume' if 'resume' in options else ''} goes on."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m attribution", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, text in (
        ("build", _build, "the whole path: fine-tune, score, make the pairs, write the bundle"),
        ("finetune", _finetune, "fine-tune every condition, and stop there"),
        (
            "score",
            _score,
            "score both networks on the export split, or maps in files (--maps), and print the table; with a config it "
            "goes on from what the run's folder holds",
        ),
        ("export", _export, "make the pairs and the bundle, going on from what the run's folder holds"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        of_files = name == "score"
        command.add_argument("config", type=Path, nargs="?" if of_files else None, help="the run's TOML file")
        command.add_argument("--out", type=Path, help="the run's folder (default: var/runs/<name of the file>)")
        if run in (_build, _finetune):
            command.add_argument(
                "--resume", action="store_true", help="go on where an earlier run in this folder stopped"
            )
        command.add_argument("--device", choices=("auto", "cpu", "cuda"), help="default: auto, a GPU if there is one")
        command.set_defaults(run=run)
        if of_files:
            _add_map_files(command)
    estimate = commands.add_parser(
        "estimate", help="time one step of every condition, and say how long a run takes here, and what room on disks"
    )
    estimate.add_argument("config", type=Path, help="the run's TOML file")
    estimate.add_argument("--out", type=Path, help="the run's folder (default: var/runs/<name of the file>)")
    estimate.add_argument("--device", choices=("auto", "cpu", "cuda"), help="default: auto, a GPU if there is one")
    estimate.set_defaults(run=_estimate)
    check = commands.add_parser("check", help="try every attributor on the networks of a study, and print which work")
    check.add_argument("config", type=Path, help="the run's TOML file")
    check.set_defaults(run=_check)
    synthesize = commands.add_parser("synthesize", help="write the procedural data set of the demo, and its network")
    synthesize.add_argument("--out", type=Path, required=True)
    synthesize.add_argument("--seed", type=int, default=1)
    synthesize.add_argument("--images-per-class", type=int, default=60)
    synthesize.add_argument(
        "--second-network", action="store_true", help="also train a residual network on them: resnet.pt"
    )
    synthesize.set_defaults(run=_synthesize)
    work = commands.add_parser("work", help="carry out steps of builds that come by standard input (for the web side)")
    work.add_argument("--storage", required=True, metavar="URL", help="the storage of builds")
    work.set_defaults(run=_work)
    methods = commands.add_parser("methods", help="print the page of all attributors, metrics and trainers (Markdown)")
    methods.set_defaults(run=_methods)
    return parser


def _add_map_files(command: argparse.ArgumentParser) -> None:
    files = command.add_argument_group("maps from files, made with any framework (instead of CONFIG)")
    files.add_argument(
        "--maps",
        type=Path,
        nargs="+",
        metavar="FILE",
        help=".npz or .npy with arrays [N, H, W] or [N, C, H, W] (summed over C); arrays called original and "
        "finetuned are also compared; an array `names` [N] names the images",
    )
    files.add_argument("--masks", type=Path, metavar="FILE", help="one array [N, H, W] of bool, 0 and 1, or 0 and 255")
    files.add_argument("--metrics", nargs="+", metavar="METRIC", help="default: all that follow from the maps alone")
    files.add_argument(
        "--option", action="append", default=[], metavar="METRIC.OPTION=VALUE", help="as in TopK.k=50; may be repeated"
    )
    files.add_argument("--seed", type=_seed, help="of the intervals' resampling (default: 0)")
    # One word for what is written: a folder with CONFIG, a CSV file with --maps.
    command.epilog = "With --maps, --out is a CSV file: a row per array, image and metric. --device goes with CONFIG."


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise argparse.ArgumentTypeError(f"{seed}: use a whole number from 0")
    return seed


def _device(options: argparse.Namespace) -> str:
    device: str | None = options.device
    return device or "auto"


def _folder(options: argparse.Namespace) -> Path:
    out: Path | None = options.out
    config: Path = options.config
    return out or Path("var/runs") / config.stem


def _build(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution import pipeline

    bundle = pipeline.build(
        options.config, _folder(options), resume=options.resume, device=_device(options), progress=bars
    )
    bars.close()
    print(pipeline.table_of(bundle))
    print(f"bundle: {bundle}\nload it: python manage.py load_study {bundle}")


def _finetune(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution import pipeline

    pipeline.finetune(options.config, _folder(options), resume=options.resume, device=_device(options), progress=bars)


def _score(options: argparse.Namespace, bars: "Bars") -> None:
    if options.maps:
        _score_files(options, bars)
        return
    if options.config is None:
        raise InputError("score: nothing to score: give a run's config, or --maps with arrays")
    for key in ("masks", "metrics", "option", "seed"):
        if getattr(options, key) not in (None, []):
            raise InputError(f"score: --{key} belongs to --maps: give that instead of a config, or leave --{key} out")
    from attribution import pipeline

    table = pipeline.score(options.config, _folder(options), device=_device(options), progress=bars)
    bars.close()
    print(table)


def _score_files(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution import score_maps, score_table

    if options.config is not None:
        raise InputError(f"score: {options.config}: give a config or --maps, not both")
    if options.device is not None:
        raise InputError("score: --device belongs to a config: maps in files are scored on the CPU, leave --device out")
    metrics = score_maps.chosen_metrics(options.metrics, options.option, with_masks=options.masks is not None)
    files = score_maps.open_maps(options.maps, options.masks)
    if options.out is not None:
        score_table.check_csv(options.out, [*options.maps, *([options.masks] if options.masks else [])])
    metrics, left_out = score_maps.fitting(files, metrics, chosen=options.metrics is not None)
    score_maps.check_values(files, bars)
    result = score_maps.score_maps(files, metrics, bars)
    bars.close()
    print(score_table.score_table(result, seed=options.seed or 0))
    for line in left_out:
        print(line)
    if options.out is not None:
        score_table.write_csv(options.out, result)
        print(f"scores: {options.out}")


def _export(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution import pipeline

    bundle = pipeline.export(options.config, _folder(options), device=_device(options), progress=bars)
    bars.close()
    print(pipeline.table_of(bundle))
    print(f"bundle: {bundle}\nload it: python manage.py load_study {bundle}")


def _estimate(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution.estimate import estimate, estimate_table

    found = estimate(options.config, _folder(options), device=_device(options), progress=bars)
    bars.close()
    print(estimate_table(found))


def _check(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution.study_check import check_study

    found = check_study(options.config, bars)
    bars.close()
    print(found.table())
    found.raise_if_refused()


def _synthesize(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution.synthetic import synthesize, train_small_network

    synthesize(options.out, seed=options.seed, images_per_class=options.images_per_class, progress=bars)
    train_small_network(options.out, options.out / "network.pt", seed=options.seed, progress=bars)
    if options.second_network:
        train_small_network(
            options.out, options.out / "resnet.pt", seed=options.seed, architecture="small_resnet", progress=bars
        )


def _work(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution.jobs import local

    local.work(options.storage)


def _methods(options: argparse.Namespace, bars: "Bars") -> None:
    from attribution.methods_page import methods_page

    print(methods_page(), end="")


class Bars:
    """Progress as bars with rate and remaining time, one at a time."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._bar is None or what != self._what:
            self.close()
            self._bar = tqdm(total=total, desc=what, file=sys.stderr, mininterval=0.5)
            self._what = what
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _AboveTheBars(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def _log_above_the_bars() -> None:
    logger = logging.getLogger("attribution")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, _AboveTheBars) for handler in logger.handlers):
        logger.addHandler(_AboveTheBars())
