"""The tables of sessions.sqlite, version by version. What has been released is never changed."""

import sqlite3
from pathlib import Path

from stridehub.errors import StoreError

_FIRST = (
    """CREATE TABLE sessions (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        hub TEXT,
        version TEXT,
        begun_ms INTEGER,
        ended_ms INTEGER,
        continues TEXT,
        lost INTEGER NOT NULL DEFAULT 0,
        is_cut INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    """CREATE TABLE runners (
        session INTEGER NOT NULL,
        t_ms INTEGER NOT NULL,
        runner TEXT NOT NULL,
        profile TEXT NOT NULL,
        plan TEXT NOT NULL,
        pods TEXT NOT NULL,
        baselines TEXT NOT NULL,
        load TEXT,
        UNIQUE (session, runner)
    ) STRICT""",
    """CREATE TABLE strides (
        session INTEGER NOT NULL,
        t_ms INTEGER NOT NULL,
        seq INTEGER,
        runner TEXT NOT NULL,
        side TEXT NOT NULL,
        "index" INTEGER NOT NULL,
        ic REAL NOT NULL,
        "to" REAL NOT NULL,
        next_ic REAL NOT NULL,
        stride_time_ms REAL,
        contact_time_ms REAL,
        flight_time_ms REAL,
        duty_factor REAL,
        cadence_spm REAL,
        shank_angle_ic_deg REAL,
        overstride_ratio REAL,
        knee_flexion_ic_deg REAL,
        peak_knee_flexion_deg REAL,
        kickback_deg REAL,
        heel_lift_ratio REAL,
        heel_trail_ratio REAL,
        swing_lever_ratio REAL,
        knee_lift_deg REAL,
        hip_extension_deg REAL,
        hip_over_foot_ratio REAL,
        push_off_angle_deg REAL,
        lean_deg REAL,
        vertical_oscillation_mm REAL,
        impact_g REAL,
        speed_mps REAL,
        step_length_m REAL,
        foot_strike_angle_deg REAL,
        quality TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX strides_of_session ON strides (session)",
    """CREATE TABLE cues (
        session INTEGER NOT NULL,
        t_ms INTEGER NOT NULL,
        seq INTEGER,
        t REAL NOT NULL,
        runner TEXT NOT NULL,
        kind TEXT NOT NULL,
        side TEXT NOT NULL,
        metric TEXT NOT NULL,
        value REAL NOT NULL,
        zone TEXT NOT NULL,
        withheld INTEGER NOT NULL,
        latency_ms REAL,
        why_withheld TEXT,
        fault_side TEXT NOT NULL,
        foot_strike_s REAL NOT NULL,
        arrival_s REAL NOT NULL,
        decided_s REAL,
        edge_s REAL
    ) STRICT""",
    "CREATE INDEX cues_of_session ON cues (session)",
    """CREATE TABLE follow_ups (
        session INTEGER NOT NULL,
        t_ms INTEGER NOT NULL,
        seq INTEGER,
        t REAL NOT NULL,
        runner TEXT NOT NULL,
        kind TEXT NOT NULL,
        side TEXT NOT NULL,
        metric TEXT NOT NULL,
        withheld INTEGER NOT NULL,
        why_withheld TEXT,
        response TEXT NOT NULL,
        change REAL,
        side_effects TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX follow_ups_of_session ON follow_ups (session)",
    """CREATE TABLE marks (
        session INTEGER NOT NULL,
        t_ms INTEGER NOT NULL,
        seq INTEGER,
        runner TEXT,
        kind TEXT NOT NULL,
        level INTEGER,
        side TEXT,
        text TEXT NOT NULL,
        command TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX marks_of_session ON marks (session)",
    """CREATE TABLE alerts (
        session INTEGER NOT NULL,
        t_ms INTEGER NOT NULL,
        seq INTEGER,
        level TEXT NOT NULL,
        code TEXT NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX alerts_of_session ON alerts (session)",
    """CREATE TABLE answers (
        id TEXT NOT NULL UNIQUE,
        t_ms INTEGER NOT NULL,
        ack BLOB NOT NULL
    ) STRICT""",
    # AUTOINCREMENT: the publisher counts on numbers that only grow, also past an empty outbox.
    """CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL,
        payload BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE seqs (
        topic TEXT NOT NULL,
        session TEXT NOT NULL,
        next INTEGER NOT NULL,
        UNIQUE (topic, session)
    ) STRICT""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)  # each one leads to the version of its number

# With a row for each that belongs to a session.
SESSION_TABLES = ("runners", "strides", "cues", "follow_ups", "marks", "alerts")


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """In one transaction. Raises sqlite3.Error, and StoreError for a newer file."""
    database.execute("BEGIN IMMEDIATE")
    try:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StoreError(path, f"of a newer stridehub: {version}, not {len(MIGRATIONS)}")
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")
