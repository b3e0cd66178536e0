"""What has been counted is not counted again, of the last ids that were seen."""

from __future__ import annotations

from genspan._core.routes.seen_ids import Counted


def test_each_item_is_new_once():
    counted = Counted()
    assert [counted.first("batch", item) for item in (0, 1, 0, 1, 2)] == [True, True, False, False, True]
    assert counted.first("another")


def test_an_id_that_is_read_again_and_again_is_kept():
    counted = Counted()
    assert counted.first("event")
    for number in range(20_000):
        counted.first(f"other {number}")
        if number % 1000 == 0:
            assert not counted.first("event")
    assert counted.first("other 0"), "of all the others the oldest are forgotten"
