"""The store's schema, version by version, and the seal that shows a damaged or a missing row.

SQLite checks a page's structure, not what is in it: a flipped bit of a value is another value. Its own remedy,
the checksum VFS, is an extension that Debian and Python do not ship (and a store made with it opens nowhere
else), so each row of `point` has a seal: `gap * 65536 + checksum`, where `gap` is the seconds since the row
before it in its series (0 where it is the first) and the checksum is of series, time, value and gap. A row that
changed contradicts its checksum; where rows are missing, the next one contradicts its gap. Triggers keep the
seals, so whoever writes keeps them, an older version too; a row that was stored before there were seals has
NULL until `health` seals it. Arithmetic, because SQL has no hash: a checksum is a sum of remainders modulo a
prime, to which every bit counts. What one row costs is in docs/performance.md.
"""

MODULUS = 65521  # the largest prime below 2**16, and no product of two remainders exceeds SQLite's integers
FRACTION = 1 << 62  # makes an integer of what is behind the point, bit by bit
SEALED = "sealed"  # a fact of the store: each row has a seal, so that one without is damaged


def checksum_sql(series: str, time: str, value: str, gap: str) -> str:
    """Return the SQL expression of a row's checksum, 0 to 65520. It must never change: stores hold what it gives."""
    whole = f"CAST({value} AS INTEGER)"
    fraction = f"CAST(({value} - {whole}) * {FRACTION} AS INTEGER)"
    terms = ((series, 40503), (time, 30011), (whole, 48271), (fraction, 52711), (gap, 33533))
    total = " + ".join(f"{term} % {MODULUS} * {factor}" for term, factor in terms)
    return f"(({total}) % {MODULUS} + {MODULUS}) % {MODULUS}"


def sound_sql(otherwise: str) -> str:
    """Return the SQL condition that a row of `point` is the one that was stored; its columns are `point`'s own.

    `otherwise` is what it is for a row that is not, such as 0. A row without a seal is sound in a store in which
    not every row has one yet. Each row that is read pays for this: nearly all hold integers, for which the checksum
    takes few operations, so that is tried first.
    """
    rest = f"series * 40503 + time * 30011 + (seal >> 16) * {33533 + 65536} - seal"  # a seal is 65536 * gap + checksum
    integer = f"value = CAST(value AS INTEGER) AND ({rest} + value * 48271) % {MODULUS} = 0"
    other = f"seal & 65535 = {checksum_sql('series', 'time', 'value', '(seal >> 16)')}"
    return (
        f"CASE WHEN {integer} THEN 1 WHEN {other} THEN 1 "
        f"WHEN seal IS NULL AND NOT EXISTS (SELECT 1 FROM delivery WHERE key = '{SEALED}') THEN 1 "
        f"ELSE {otherwise} END"
    )


def seal_sql(row: str) -> str:
    """Return the SQL expression of the seal of `row`, such as NEW, by the row before it in the store."""
    own = checksum_sql(f"{row}.series", f"{row}.time", f"{row}.value", "gap")
    return (
        f"(SELECT gap * 65536 + {own} FROM (SELECT coalesce({row}.time - max(before.time), 0) AS gap "
        f"FROM point AS before WHERE before.series = {row}.series AND before.time < {row}.time))"
    )


SOUND = sound_sql("unsound(series, time)")
"""The condition in every query whose rows are given out; `Database` reports those that it leaves out."""


def _relinked(gap: str) -> str:
    """Return the seal of a row whose `gap` changes; one that contradicted its row before goes on to do so."""
    return (
        f"({gap}) * 65536 + ((seal & 65535) + (({gap}) % {MODULUS} - (seal >> 16) % {MODULUS}) * 33533 % {MODULUS}"
        f" + {MODULUS}) % {MODULUS}"
    )


def _next(row: str) -> str:
    after = f"SELECT min(time) FROM point WHERE series = {row}.series AND time > {row}.time"
    return f"series = {row}.series AND time = ({after})"


_OWN = "series = NEW.series AND time = NEW.time"
_WANTS = "(only = '' OR instr(only, ',' || (SELECT measurement FROM series WHERE id = NEW.series) || ','))"
_LACK = f"""
    UPDATE sink SET changes = changes + 1 WHERE {_WANTS};
    DELETE FROM lacked WHERE sink IN (SELECT name FROM sink) AND time = NEW.time AND series = NEW.series;
    INSERT INTO lacked SELECT name, NEW.time, NEW.series, changes, NULL FROM sink WHERE {_WANTS};
"""
"""Whoever writes the row, and whatever its statement does at a conflict: no OR REPLACE, which that would override."""
_GAP_WITHOUT_OLD = (
    "coalesce(time - (SELECT max(before.time) FROM point AS before "
    "WHERE before.series = OLD.series AND before.time < OLD.time), 0)"
)

PERIOD = 18  # of `counted`: 1 << 18 seconds, three days; it must never change


def _uncounts(what: str, event: str, row: str) -> str:
    """Return a trigger that drops the numbers of points that a row counts to which comes, goes or changes."""
    kind, *_, table = event.split()
    return f"""
CREATE TRIGGER uncounts_{table}_{kind.lower()} AFTER {event} BEGIN
    DELETE FROM counted WHERE {what.format(row)};
END;"""


_IN_PERIOD, _OF_SINK = f"period = {{}}.time >> {PERIOD}", "sink = {}.sink"
_UNCOUNTING = "".join(
    _uncounts(*each)
    for each in (  # a row that comes into `lacked` came or changed in `point`, or was in `fill` before
        (_IN_PERIOD, "INSERT ON point", "NEW"),
        (_IN_PERIOD, "UPDATE OF value, sent ON point", "NEW"),
        (_IN_PERIOD, "DELETE ON point", "OLD"),
        (_IN_PERIOD, "UPDATE OF refused ON lacked", "NEW"),
        (_IN_PERIOD, "DELETE ON lacked", "OLD"),
        (_OF_SINK, "INSERT ON fill", "NEW"),
        (_OF_SINK, "DELETE ON fill", "OLD"),
    )
)

MIGRATIONS = {
    1: """
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    measurement TEXT NOT NULL, tags TEXT NOT NULL, field TEXT NOT NULL,
    UNIQUE (measurement, tags, field)
);
CREATE TABLE point (
    series INTEGER NOT NULL, time INTEGER NOT NULL, value NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
CREATE INDEX waiting ON point (time) WHERE sent = 0;
CREATE TABLE parked (
    series INTEGER NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
CREATE TABLE undated (boot TEXT NOT NULL, ticks REAL NOT NULL, series INTEGER NOT NULL, value NOT NULL);
CREATE TABLE delivery (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
""",
    2: f"""
ALTER TABLE point ADD COLUMN seal INTEGER;
INSERT INTO delivery SELECT 'sealed', 1 WHERE NOT EXISTS (SELECT 1 FROM point);
CREATE TRIGGER point_added AFTER INSERT ON point BEGIN
    UPDATE point SET seal = {seal_sql("NEW")} WHERE {_OWN};
    UPDATE point SET seal = {_relinked("time - NEW.time")} WHERE {_next("NEW")};
END;
CREATE TRIGGER point_changed AFTER UPDATE OF value ON point BEGIN
    UPDATE point SET seal = (seal >> 16) * 65536 + {checksum_sql("series", "time", "value", "(seal >> 16)")}
    WHERE {_OWN};
END;
CREATE TRIGGER point_dropped AFTER DELETE ON point BEGIN
    UPDATE point SET seal = {_relinked(_GAP_WITHOUT_OLD)} WHERE {_next("OLD")};
END;
""",
    3: """
CREATE TABLE meter (since INTEGER PRIMARY KEY, address TEXT NOT NULL);
""",
    4: f"""
CREATE TABLE sink (name TEXT PRIMARY KEY, only TEXT NOT NULL, changes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lacked (
    sink TEXT NOT NULL, time INTEGER NOT NULL, series INTEGER NOT NULL, change INTEGER NOT NULL, refused TEXT,
    PRIMARY KEY (sink, time, series)
) WITHOUT ROWID;
CREATE TABLE fill (
    sink TEXT NOT NULL, series INTEGER NOT NULL, since INTEGER NOT NULL, before INTEGER NOT NULL,
    PRIMARY KEY (sink, series)
) WITHOUT ROWID;
CREATE TRIGGER sinks_lack_new AFTER INSERT ON point WHEN EXISTS (SELECT 1 FROM sink) BEGIN {_LACK} END;
CREATE TRIGGER sinks_lack_changed AFTER UPDATE OF value ON point WHEN EXISTS (SELECT 1 FROM sink) BEGIN {_LACK} END;
CREATE TRIGGER sinks_lack_dropped AFTER DELETE ON point WHEN EXISTS (SELECT 1 FROM sink) BEGIN
    DELETE FROM lacked WHERE sink IN (SELECT name FROM sink) AND time = OLD.time AND series = OLD.series;
END;
""",
    5: f"""
CREATE TABLE counted (
    period INTEGER NOT NULL, sink TEXT NOT NULL, points INTEGER NOT NULL,
    PRIMARY KEY (period, sink)
) WITHOUT ROWID;
CREATE INDEX refused ON lacked (sink, time) WHERE refused IS NOT NULL;
{_UNCOUNTING}""",
    6: f"""
DROP TRIGGER uncounts_point_update;{_uncounts(_IN_PERIOD, "UPDATE OF value ON point", "NEW")}
""",
}
"""Version → the statements that lead to it from the one before. A version that was released is never edited."""
