"""Where people may be sent at the end, against addresses that look as if they led there."""

import pytest
from django.test import Client
from pytest_django import Settings

from studies.models import Participation, Study
from studies.protocol.faults import ProtocolError
from studies.protocol.spec import ProtocolSpec
from studies.recruiting.completion import check_completion, completion_url
from studies.services import protocol_set
from studies.tests.flow_studies import PAGES, add_protocol, fresh

State = Participation.State
CODES = {"completed": "C1", "failed_checks": "C2", "screened_out": "C3", "over_quota": "C4", "withdrawn": "C5"}
HOME = "https://app.prolific.com/submissions/complete"


def spec_with(address: str) -> ProtocolSpec:
    recruitment = {"prolific": {"completed": "C1", "completion_url": address}}
    return ProtocolSpec.from_document({"pages": [{"kind": "trials"}], "recruitment": recruitment})


def ended(participation: Participation, state: str, **prolific: str) -> Participation:
    """Return the participation as one from Prolific that has ended."""
    protocol = add_protocol(participation.study, *PAGES, recruitment={"prolific": {**CODES, **prolific}})
    code = CODES.get(state, "")
    source = Participation.Source.PROLIFIC
    rows = Participation.objects.filter(pk=participation.pk)
    rows.update(protocol=protocol, source=source, state=state, completion_code=code)
    return fresh(participation)


@pytest.mark.parametrize("state", [state for state in State.values if state != "active"])
def test_every_outcome_goes_back_with_its_own_code(participation: Participation, state: str) -> None:
    assert completion_url(ended(participation, state)) == f"{HOME}?cc={CODES[state]}"


def test_nobody_is_sent_back_before_the_end(participation: Participation) -> None:
    assert completion_url(ended(participation, "active")) is None


def test_people_from_elsewhere_are_not_sent_to_prolific(participation: Participation) -> None:
    there = ended(participation, "completed")
    there.source = Participation.Source.OPEN
    assert completion_url(there) is None


def test_an_outcome_without_a_code_has_no_way_back(participation: Participation) -> None:
    there = ended(participation, "screened_out")
    there.completion_code = ""
    assert completion_url(there) is None


def test_the_code_is_added_to_what_the_address_asks_for(participation: Participation) -> None:
    there = ended(participation, "completed", completion_url=f"{HOME}?from=lab%20a&empty=")
    assert completion_url(there) == f"{HOME}?from=lab+a&empty=&cc=C1"


def test_a_host_that_the_settings_allow_no_more_gets_nobody(participation: Participation, settings: Settings) -> None:
    there = ended(participation, "completed")
    settings.COMPLETION_HOSTS = ["elsewhere.example"]
    assert completion_url(there) is None


@pytest.mark.parametrize(
    "address",
    [
        HOME,
        "https://app.prolific.co/submissions/complete",
        "https://APP.PROLIFIC.COM/x",
        "https://app.prolific.com:443/x",
    ],
)
def test_prolifics_addresses_are_fine(address: str) -> None:
    assert check_completion(spec_with(address)) == []


@pytest.mark.parametrize(
    "address",
    [
        "http://app.prolific.com/submissions/complete",
        "//app.prolific.com/x",
        "app.prolific.com/x",
        "/studies/tiny/",
        "javascript:alert(1)//app.prolific.com",
        "data:text/html,app.prolific.com",
        "https://evil.example/?app.prolific.com",
        "https://app.prolific.com.evil.example/",
        "https://app.prolific.com@evil.example/",
        "https://app.prolific.com:secret@evil.example/",
        "https://user@app.prolific.com/",
        "https://evil.example#@app.prolific.com/",
        "https://evil.example\\@app.prolific.com/",
        "https:\\\\evil.example/app.prolific.com",
        "https:/\\evil.example",
        "https:///evil.example",
        "https://app.prolific.com\t.evil.example/",
        "https://app.prolific.com\n/x",
        " https://app.prolific.com/",
        "https://app.prolific.com:8443/",
        "https://app.prolific.com:http/",
        "https://app.prolific.com./",
        "https://аpp.prolific.com/",
        "https://app。prolific.com/",
        "https://[app.prolific.com/",
        "https://notapp.prolific.com/",
        "https://app.prolific.com/#x",
        "https://app.prolific.com/?cc=THEIRS",
        "http://localhost/",
        "http://127.0.0.1:8000/",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    (fault,) = check_completion(spec_with(address))
    assert fault.path == "recruitment.prolific.completion_url"
    assert fault.problem
    assert fault.remedy


def test_a_host_of_this_machine_is_fine_without_https_once_it_is_listed(settings: Settings) -> None:
    settings.COMPLETION_HOSTS = ["localhost:8765"]
    assert check_completion(spec_with("http://localhost:8765/back")) == []
    assert check_completion(spec_with("http://localhost:8766/back")) != []


def test_another_listed_host_still_needs_https(settings: Settings) -> None:
    settings.COMPLETION_HOSTS = ["panel.example"]
    assert check_completion(spec_with("https://panel.example/back")) == []
    assert check_completion(spec_with("http://panel.example/back")) != []


def test_a_protocol_that_leads_elsewhere_is_not_put_in_force(tiny_study: Study) -> None:
    text = """
        [[pages]]
        kind = "trials"
        [trials]
        annotators_per_trial = 2
        [recruitment.prolific]
        completion_url = "https://evil.example/"
        completed = "C1"
    """
    with pytest.raises(ProtocolError) as refused:
        protocol_set(study=tiny_study, text=text, name="p.toml")
    assert str(refused.value) == (
        "p.toml: recruitment.prolific.completion_url: people cannot be sent to evil.example; use one of "
        "app.prolific.com, app.prolific.co, or have an admin add it to the setting COMPLETION_HOSTS"
    )
    assert not tiny_study.protocols.exists()


def test_parameters_of_the_request_do_not_change_where_people_are_sent(participation: Participation) -> None:
    there = ended(participation, "completed")
    client = Client()
    client.force_login(there.annotator)
    evil = {"completion_url": "https://evil.example", "next": "https://evil.example", "cc": "C9", "url": "//evil"}
    page = client.get("/studies/tiny/done/", evil).content.decode()
    assert f'href="{HOME}?cc=C1"' in page
    assert "evil" not in page
