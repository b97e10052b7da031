"""Who is who on the air."""

CENTRAL = "B8:27:EB:00:00:01"


def pod_address(number: int) -> str:
    """A random static one."""
    return f"F0:D6:16:00:{number >> 8:02X}:{number & 0xFF:02X}"
