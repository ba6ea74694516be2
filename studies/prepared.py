"""Queries that are asked with every answer and every picture: written with the ORM, turned into SQL once.

Composing the SQL of a query with joins takes Django several times longer than the database takes to answer it, and the
text is the same each time. A `Prepared` query keeps the text and puts the values in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable, ValuesListIterable, get_related_populators
from django.db.transaction import TransactionManagementError

Value = int | str
Row = TypeVar("Row")

# What stands for a value while the SQL is composed: small enough for every integer column, and unlike any constant.
FIRST_NUMBER = 1_999_000_001


class PreparationError(TypeError):
    """A query cannot be prepared."""


@dataclass(frozen=True)
class _Compiled(Generic[Row]):
    """SQL with its parameters; those that are named by `names` are put in at each call."""

    sql: str
    parameters: tuple[Any, ...]
    names: tuple[str | None, ...]
    rows: Callable[[list[tuple[Any, ...]]], list[Row]]
    locks: bool


class Prepared(Generic[Row]):
    """A query with values to be put in, made by a function from its values to a queryset.

    `kinds` names the function's values and says whether each is an `int` or a `str`:

        mine = Prepared(lambda user: Study.objects.filter(owner=user).only("slug"), user=int)
        mine.all(user=3)

    The function is called once per kind of database, with stand-ins; it may use the values in conditions only and must
    not decide by them, nor by the time of day. Rows are model instances (with `select_related`) or the tuples of
    `values_list`. A list of values, `None`, and a number of rows to be returned cannot be put in.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]], **kinds: type[Value]) -> None:
        self.build = build
        self.stand_ins: dict[str, Value] = {
            name: FIRST_NUMBER + place if kind is int else f"\ue000stand-in {name}"
            for place, (name, kind) in enumerate(kinds.items())
        }
        self.compiled: dict[str, _Compiled[Row]] = {}

    def all(self, **values: Value) -> list[Row]:
        """Return all rows."""
        if values.keys() != self.stand_ins.keys():
            raise PreparationError(f"the values are {', '.join(self.stand_ins)}, not {', '.join(values)}")
        for name, value in values.items():
            if type(value) is not type(self.stand_ins[name]):
                raise PreparationError(f"{name}: {value!r} is no {type(self.stand_ins[name]).__name__}")
        connection = connections["default"]
        compiled = self.compiled.get(connection.vendor)
        if compiled is None:
            compiled = self.compiled[connection.vendor] = self._compile()
        if compiled.locks and connection.get_autocommit():
            raise TransactionManagementError("rows can be locked in a transaction only")
        parameters = [
            parameter if name is None else values[name]
            for parameter, name in zip(compiled.parameters, compiled.names, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, parameters)
            return compiled.rows(cursor.fetchall())

    def first(self, **values: Value) -> Row | None:
        """Return the first row, None if there is none. The query itself should say that it wants but one."""
        return next(iter(self.all(**values)), None)

    def _compile(self) -> _Compiled[Row]:
        queryset = self.build(**self.stand_ins)
        if queryset.db != "default":
            raise PreparationError(f"the query is for the database {queryset.db!r}, not the default one")
        compiler = queryset.query.get_compiler(using="default")
        sql, parameters = compiler.as_sql()
        names = tuple(self._name(parameter) for parameter in parameters)
        missing = self.stand_ins.keys() - set(names)
        if missing:
            raise PreparationError(f"the query has no use for {', '.join(sorted(missing))}")
        converters = compiler.get_converters([column[0] for column in compiler.select])
        make = self._maker(queryset, compiler)

        def rows(found: list[tuple[Any, ...]]) -> list[Row]:
            converted = compiler.apply_converters(found, converters) if converters else found
            return [make(tuple(row)) for row in converted]

        return _Compiled(sql, tuple(parameters), names, rows, bool(queryset.query.select_for_update))

    def _name(self, parameter: object) -> str | None:
        for name, stand_in in self.stand_ins.items():
            if type(parameter) is type(stand_in) and parameter == stand_in:
                return name
        return None

    def _maker(self, queryset: QuerySet[Any, Row], compiler: Any) -> Callable[[tuple[Any, ...]], Any]:
        """Return what turns a row of the database into what the queryset would have given."""
        iterable = queryset._iterable_class
        if iterable is ValuesListIterable:
            return lambda row: row
        if iterable is not ModelIterable or compiler.annotation_col_map:
            raise PreparationError("only model instances without annotations, and values_list, can be prepared")
        places = compiler.klass_info["select_fields"]
        start, end = places[0], places[-1] + 1
        model: type[Model] = compiler.klass_info["model"]
        columns = [column[0].target.attname for column in compiler.select[start:end]]
        # The stubs are those of a later Django, which asks for one more argument.
        populators = get_related_populators(  # type: ignore[call-arg]
            compiler.klass_info, compiler.select, "default"
        )

        def instance(row: tuple[Any, ...]) -> Model:
            made = model.from_db("default", columns, row[start:end])
            for populator in populators:
                populator.populate(row, made)
            return made

        return instance
