"""Which network the picker of Generate offers first."""

from types import SimpleNamespace

from dashboard.generate.controls import in_order

CARDS = [
    SimpleNamespace(name="gaps", can_generate=False, uses_music=True),
    SimpleNamespace(name="takes-music", can_generate=True, uses_music=True),
    SimpleNamespace(name="retrieves", can_generate=True, uses_music=False),
]


def test_networks_that_take_music_come_first_for_the_samples_own_songs_alone():
    ours, strange = ([card.name for card in in_order(CARDS, own)] for own in (True, False))
    assert ours == ["takes-music", "retrieves", "gaps"]
    assert strange == ["retrieves", "takes-music", "gaps"]
