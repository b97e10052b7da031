"""Old sessions and recordings go, where no hub runs that would see to it."""

from pathlib import Path

from stridehub.config import load_hub_config
from stridehub.record.raw_space import tidy as tidy_recordings
from stridehub.record.snapshot import read_snapshot
from stridehub.record.tidying import tidy_sessions


def tidy(config_path: Path | None) -> None:
    """Prints what went. Raises ConfigError, StoreError."""
    config = load_hub_config(config_path)
    if read_snapshot(config.runtime) is not None:
        print("a hub runs, and does so itself")
        return
    sessions = tidy_sessions(config.sessions, config.record)
    recordings = tidy_recordings(config.raw_folder, config.record)
    print(f"{sessions} sessions and {recordings} recordings went")
