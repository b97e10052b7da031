"""What a broker says to what it was sent."""

from dataclasses import dataclass

from paho.mqtt.reasoncodes import ReasonCode

from stridehub.mqtt import reasons

_FINAL = frozenset({"Topic name invalid", "Payload format invalid"})


@dataclass(frozen=True, slots=True)
class Answer:
    """To a message of QoS 1, or a subscription."""

    mid: int
    refusal: str | None  # None: it has it
    is_final: bool  # it would refuse the same again, whenever


def answer_of(mid: int, code: ReasonCode) -> Answer:
    if not code.is_failure:
        return Answer(mid, None, False)
    return Answer(mid, reasons.of_code(code), code.getName() in _FINAL)
