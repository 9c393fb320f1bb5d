"""Files outlive a reload: visits by token, how long they are kept, and whose token is taken."""

import gc

import pytest

from dashboard.files.uploads import Uploads
from dashboard.files.visits import KEPT_S, MOST_BYTES, Visits, cookie


class Clock:
    """Seconds that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visits(clock) -> Visits:
    return Visits(clock)


def test_a_token_leads_to_the_same_files(visits):
    token, files = visits.join(None)
    assert visits.join(token) == (token, files)


def test_an_unknown_token_is_not_taken_over(visits):
    token, files = visits.join("chosen-by-somebody-else")
    assert token != "chosen-by-somebody-else"
    assert visits.join("chosen-by-somebody-else")[1] is not files
    assert len(token) >= 32


def test_files_go_an_hour_after_the_last_sign_of_life(visits, clock):
    token, files = visits.join(None)
    clock.now = 0.9 * KEPT_S
    visits.touch(token, files)
    clock.now = 1.8 * KEPT_S
    assert visits.join(token)[1] is files
    clock.now = 3 * KEPT_S
    assert visits.join(token)[0] != token


def test_a_folder_goes_with_its_visit_and_stays_while_a_session_holds_it(visits, clock):
    token, files = visits.join(None)
    folder = files.folder
    clock.now = 2 * KEPT_S
    visits.join(None)
    gc.collect()
    assert folder.is_dir()  # this test holds the files, as an open page does
    visits.touch(token, files)
    assert visits.join(token)[1] is files
    clock.now = 4 * KEPT_S
    del files
    visits.join(None)
    gc.collect()
    assert not folder.exists()


def test_the_oldest_visits_go_where_all_are_too_large(visits, clock, monkeypatch):
    monkeypatch.setattr(Uploads, "size", MOST_BYTES // 2)
    tokens = []
    for clock.now in (1.0, 2.0, 3.0):
        tokens.append(visits.join(None)[0])
    clock.now = 4.0
    assert visits.join(tokens[2])[0] == tokens[2]
    assert visits.join(tokens[0])[0] != tokens[0]


def test_servers_on_one_machine_have_cookies_of_their_own():
    assert cookie() == "mmm_visit_8501"
