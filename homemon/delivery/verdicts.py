"""What a server's answer to a write means: its words first, its status where they say nothing.

Servers and what stands before them disagree on statuses: InfluxDB 2 answers 500 to a field type conflict, which
lasts for ever; InfluxDB 1.x answers 400 `partial write` for a full disk, which passes; a proxy that garbles the
body makes it a 400 too. So `WORDS` is asked before `STATUSES`. A text in neither counts by its status alone, and
a line is set aside for good only if `deliver` finds that the server takes others.

Sources: InfluxDB 1.x, 2.x and 3 (API references, source, public reports), VictoriaMetrics, vmauth, vmagent,
GreptimeDB, Telegraf's influxdb_listener, nginx; docs/server/README.md has what was tried.
"""

import re
from collections.abc import Container
from enum import Enum, auto
from typing import NamedTuple


class Verdict(Enum):
    """What is to be done with a batch after the server answered."""

    TAKEN = auto()  # the server has it
    DATA_FAULT = auto()  # it refuses something in the batch, and will for ever
    TOO_BIG = auto()  # send it in smaller pieces
    HOLD = auto()  # nothing will go through until somebody changes something
    LATER = auto()  # the same batch may go through in a while


class Answer(NamedTuple):
    """A verdict, the message for a person, and how many seconds the server asks to be left alone.

    `whole`: no other line would fare better. `certain`: it names what is wrong with a line's data.
    `unanswered`: none came in time, or nobody was there.
    """

    verdict: Verdict
    text: str = ""
    retry_after: float = 0.0
    whole: bool = False
    certain: bool = False
    unanswered: bool = False


class Meaning(NamedTuple):
    """What words or a status mean, and the remedy; `whole` and `certain` as in `Answer`."""

    verdict: Verdict
    hint: str = ""
    whole: bool = False
    certain: bool = False


CREDENTIALS = "check [server] user and password, or token"
DATABASE = "create the database with `homemon check --create-db`, or check [server] db and url"
NO_DATABASE = (
    "that is no database's write address; check [server] url and its port (Grafana's is 3000, InfluxDB's 8086)"
)
IN_PART = "201 means that it took some of the points and refused others; its log says which, and why"
NOT_SAID = "only 204 means that it took the points; check [server] url, and what answers there"
ILL = "the server itself failed, most often for a full disk; see its log and its `df`"
FULL = "the server's disk is full or cannot be written; see its log and its `df`"
LIMIT = "that is a limit of the server: raise it in its configuration, or remove series there that nobody needs"
UNEXPLAINED = "see its log for what it objects to, and check [server]"
GARBLED = "the request did not arrive as it was sent; see what lies between, such as a proxy"
BIG = "even a single point is too large for it: raise its limit of a request's size (nginx: client_max_body_size)"

ALWAYS, UNLESS_IT_FAILED = range(200, 600), range(200, 500)
UNLESS_FORBIDDEN = {*ALWAYS} - {403}  # which says more than the words that come with it

_TABLE: tuple[tuple[Container[int], str, Meaning], ...] = (
    (
        ALWAYS,
        r"field type conflict|already exists as type|iox::column_type|(?:column|field|data) ?type (?:mismatch|conflict)"
        r"|invalid column type|(?:beyond|outside) (?:the )?retention"
        r"|time outside range|invalid unicode|max key (?:size|length) exceeded",
        Meaning(Verdict.DATA_FAULT, certain=True),
    ),
    (
        ALWAYS,
        r"(?:unable|failed|cannot) (?:to )?parse ['\"\\]|expects? type|incompatible|bad timestamp|input (?:field|tag)\b"
        r"|(?:invalid|missing|duplicate) (?:tag|field|measurement|timestamp|number|boolean)",
        Meaning(Verdict.DATA_FAULT),
    ),
    (ALWAYS, r"(?:body|entity|batch|request|payload)(?: is)? too (?:large|big)", Meaning(Verdict.TOO_BIG, BIG)),
    (
        ALWAYS,
        r"no space left|(?:not enough|insufficient) (?:space|storage)|\bdisk\b|disk ?space|file ?system|read-?only mode"
        r"|i(?:nput)?/o(?:utput)? error|too many open files|file descriptor|file handle|needs cleaning"
        r"|no such (?:file|device)"
        r"|\b(?:open|write|read|mkdir|rename|sync|l?stat|truncate|mmap|remove) [^\s:]*[./][^\s:]*:",
        Meaning(Verdict.LATER, FULL),
    ),
    (
        ALWAYS,
        r"limit (?:was |has been )?(?:exceeded|reached)|limit(?: of \S+)? is \d|max-[a-z-]+|exceed\w* .{0,40}limit"
        r"|would exceed|cache-max|cardinality|quota"
        r"|too many (?:series|tables|columns|tags|labels|values|points|requests)",
        Meaning(Verdict.LATER, LIMIT),
    ),
    (
        ALWAYS,
        r"time[ds]?[ -]?out|deadline exceeded|\bclosed\b|\[?shard\b|hinted handoff|unavailable|overload|concurrent"
        r"|rate.?limit|throttl|try again|not ready|starting up|shutting down|connection (?:refused|reset)"
        r"|persistent queue|broken pipe|unexpected end of JSON|corrupt|consistency|\bengine\b|\bWAL\b|memory|allocate"
        r"|\bi/o\b|\bfull\b|replica|leader|maintenance|compaction|snapshot|licen[cs]e",
        Meaning(Verdict.LATER, "the server is busy or ill; see its log"),
    ),
    (
        UNLESS_FORBIDDEN,
        r"auth ?token|authoriz|authenticat|credential|unauthorized|user(?:name)? (?:and password )?(?:is )?required",
        Meaning(Verdict.HOLD, CREDENTIALS, whole=True),
    ),
    (
        ALWAYS,
        r"(?:database|bucket|organization|org|retention policy)\b.{0,80}not found|database (?:name )?(?:is )?required",
        Meaning(Verdict.HOLD, DATABASE, whole=True),
    ),
    (
        UNLESS_IT_FAILED,
        r"https? (?:request|server).{0,30}https",
        Meaning(Verdict.HOLD, "it speaks https there: write https:// into [server] url", whole=True),
    ),
    (
        UNLESS_IT_FAILED,
        r"gzip|zlib|deflate|decompress|compressed|content.?encoding|\bEOF\b|malformed (?:body|request|header|http)"
        r"|(?:request|http) body|\bheaders?\b|precision|route|unsupported path|content.?(?:type|length)",
        Meaning(Verdict.HOLD, GARBLED),
    ),
    (
        UNLESS_IT_FAILED,
        r"partial write|(?:unable to|failed to|cannot|could not|error) pars|pars(?:e|ing) (?:error|failed)|conflict"
        r"|unprocessable|line protocol|malformed|bad timestamp|dropped|rejected|errors? (?:encountered )?on line"
        r"|(?:invalid|missing|duplicate) (?:field|tag|measurement|number|boolean|timestamp|line|value|column)",
        Meaning(Verdict.DATA_FAULT),
    ),
)
WORDS = tuple((statuses, re.compile(words, re.I), found) for statuses, words, found in _TABLE)
"""For which statuses, what is looked for, and what it means: the first that is found decides."""

STATUSES = {
    200: Meaning(Verdict.HOLD, NO_DATABASE, whole=True),
    201: Meaning(Verdict.HOLD, IN_PART),
    400: Meaning(Verdict.HOLD, UNEXPLAINED),
    401: Meaning(Verdict.HOLD, CREDENTIALS, whole=True),
    403: Meaning(Verdict.HOLD, "the user or token may not write to this database; let its administrator grant it"),
    404: Meaning(Verdict.HOLD, DATABASE, whole=True),
    408: Meaning(Verdict.LATER, whole=True),
    413: Meaning(Verdict.TOO_BIG, BIG),
    422: Meaning(Verdict.HOLD, UNEXPLAINED),
    429: Meaning(Verdict.LATER, whole=True),
    500: Meaning(Verdict.LATER, ILL),
}
REDIRECTED = Meaning(Verdict.HOLD, "the server redirects; write its real address into [server] url", whole=True)
ANY = {2: Meaning(Verdict.HOLD, NOT_SAID), 4: Meaning(Verdict.HOLD, UNEXPLAINED)}
"""Of statuses that are not in `STATUSES`, by their first digit."""
FAILED = Meaning(Verdict.LATER, whole=True)

NO_POINTS = re.compile(r"requires points|no (?:points|lines|data)|empty|\"code\": ?\"invalid\"", re.I)
"""What servers say of a batch without lines; some say only that it is invalid."""


def meaning(status: int, said: str) -> Meaning:
    """Return what an answer to a write, other than 204, means.

    A page of HTML is a proxy's: its words are not about points.
    """
    if 300 <= status < 400:
        return REDIRECTED
    found = next((found for statuses, words, found in _words(said) if status in statuses and words.search(said)), None)
    if found is None:
        return STATUSES.get(status, ANY.get(status // 100, FAILED))
    return found._replace(hint=IN_PART) if status == 201 and not found.hint else found


def _words(said: str) -> tuple[tuple[Container[int], re.Pattern[str], Meaning], ...]:
    return () if said.lstrip().startswith("<") else WORDS


def about_no_points(status: int, said: str) -> bool:
    """Return whether the server only misses the lines in a batch that has none, and so would take some."""
    found = meaning(status, said)
    by_status = found is STATUSES.get(status) and status in (400, 422)
    return found.verdict is Verdict.DATA_FAULT or (by_status and bool(NO_POINTS.search(said)))


def about_login(status: int, said: str) -> bool:
    """Return whether an answer to a write refuses who we say we are, or says that we may not write."""
    return status == 403 or meaning(status, said).hint == CREDENTIALS


def about_database(status: int, said: str) -> bool:
    """Return whether an answer to a write says that there is no such database or bucket."""
    return meaning(status, said).hint == DATABASE
