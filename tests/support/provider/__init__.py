"""A GenAI provider that lives on loopback: real HTTP, chosen faults, and a ledger of what it billed.

It shares no code with the instrumentation, so its ledger is an independent truth.
"""

from __future__ import annotations

from tests.support.provider.ledger import Bill, Entry, Ledger
from tests.support.provider.script import Reply
from tests.support.provider.server import FakeProvider

__all__ = ["Bill", "Entry", "FakeProvider", "Ledger", "Reply"]
