"""What the publisher did, in numbers."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Since the hub started."""

    connects: int = 0
    sent: int = 0  # letters, those that were sent again too
    confirmed: int = 0  # letters that the broker has
    refused: int = 0  # letters that it did not want for now: they are sent again
    set_aside: int = 0  # letters that it can never take
    live: int = 0  # live messages sent
    overtaken: int = 0  # live messages that a newer one replaced before they were sent
    dropped: int = 0  # live messages and answers: no connection, or too large for the broker
    unread: int = 0  # times that the outbox could not be read
