"""Other programs, asked for a line or two."""

import subprocess

from stridehub.timing import DOCTOR_PROGRAM_S


def said(*command: str) -> str:
    """What it prints. Raises OSError: not there, no answer in time, or it failed."""
    try:
        done = subprocess.run(
            command,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=DOCTOR_PROGRAM_S,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{command[0]} does not answer") from None
    except subprocess.CalledProcessError as error:
        told = (error.stderr or error.stdout).decode(errors="replace").strip()
        raise OSError(f"{command[0]}: {told or f'code {error.returncode}'}") from None
    return done.stdout.decode(errors="replace").strip()
