"""Writing protocols as TOML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.models import Protocol
from studies.protocol.reading import read_protocol
from studies.protocol.spec import Plugin, ProtocolSpec, Text, Trials
from studies.protocol.writing import write_protocol
from studies.selectors_protocol import protocol_text
from studies.tests.protocols import FULL, PLAIN

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
values = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=4), texts.filter(str.strip))
def test_whatever_a_page_holds_reads_back_as_it_was(parameters: dict[str, object], title: str) -> None:
    spec = ProtocolSpec(
        pages=(
            Text(kind="text", key="read", title=title, markdown=f"{title}\n{title}\r\n"),
            Plugin(kind="plugin", key="form", title=title, plugin="survey-text", parameters=parameters),
            Trials(kind="trials"),
        )
    )
    assert read_protocol(write_protocol(spec), "p.toml") == spec


@pytest.mark.parametrize("text", [FULL, PLAIN])
def test_what_was_read_is_written_so_that_it_reads_the_same(text: str) -> None:
    spec = read_protocol(text, "p.toml")
    assert read_protocol(write_protocol(spec), "p.toml") == spec


def test_what_is_at_its_default_is_left_out() -> None:
    assert write_protocol(ProtocolSpec()) == 'format = "harmony-protocol/1"\n\n[[pages]]\nkind = "trials"\n'


def test_long_texts_stay_readable() -> None:
    spec = ProtocolSpec(pages=(Text(kind="text", key="a", title="A", markdown='# Hi\n\n"you"'), Trials(kind="trials")))
    assert 'markdown = """\n# Hi\n\n\\"you\\""""\n' in write_protocol(spec)


def test_a_protocols_text_is_the_one_that_was_given_or_one_written_from_it() -> None:
    document = read_protocol(FULL, "p.toml").as_document()
    assert protocol_text(Protocol(document=document, source=FULL)) == FULL
    assert read_protocol(protocol_text(Protocol(document=document)), "p.toml").as_document() == document
