"""What a power cut in the middle of a commit leaves of SQLite's write-ahead log.

The file format is SQLite's (sqlite.org/fileformat2.html, 4.1): a header of 32 bytes, then frames of a header of
24 bytes and a page. A commit before the last was synced to the disk; of the last, any part may be there.
"""

from pathlib import Path
from random import Random

HEADER, FRAME_HEADER = 32, 24


def tear(wal: Path, rng: Random) -> None:
    """Cut the log somewhere behind the last commit but one."""
    log = wal.read_bytes()
    if len(log) <= HEADER:
        return
    size = FRAME_HEADER + int.from_bytes(log[8:12])
    commits = [HEADER]
    for at in range(HEADER, len(log) - size + 1, size):
        if log[at + 8 : at + 16] != log[16:24]:  # the salts of an earlier round
            break
        if any(log[at + 4 : at + 8]):
            commits.append(at + size)
    wal.write_bytes(log[: rng.randint(commits[-2] if len(commits) > 1 else HEADER, commits[-1])])
