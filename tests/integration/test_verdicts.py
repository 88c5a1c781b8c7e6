"""What servers and proxies really say to a write, and what it means: words count before the status."""

import pytest

from homemon.delivery.verdicts import Verdict, about_no_points, meaning

LASTS = [  # something is wrong with a line, whatever the status
    (400, '{"error":"partial write: field type conflict: input field \\"value\\" is type float dropped=1"}'),
    (
        400,
        '{"error":"field type conflict: input field \\"value\\" on measurement \\"power\\" is type string, already"}',
    ),
    (500, '{"code":"internal error","message":"unexpected error writing points to database: field type conflict"}'),
    (422, '{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type"}'),
    (400, '{"error":"partial write: points beyond retention policy dropped=1"}'),
    (422, '{"code":"unprocessable entity","message":"dropped 1 points outside retention policy of duration 720h"}'),
    (400, '{"error":"unable to parse \'power value=\': missing field value"}'),
    (500, '{"error":"unable to parse \'power value=\': missing field value"}'),
    (400, '{"code":"invalid","message":"unable to parse \'power value=1i 1\': bad timestamp"}'),
    (
        400,
        '{"code":"invalid","message":"failed to parse line protocol: errors encountered on line(s):\\nerror parsing"}',
    ),
    (400, '{"error":"partial write of line protocol occurred","data":[{"error_message":"invalid column type for"}]}'),
    (400, '{"error":"parsing failed for write_lp endpoint","data":{"original_line":"power","line_number":1}}'),
    (400, '{"message":"error writing line 2: Unable to insert iox::column_type::field::float type into column value"}'),
    (400, '{"error":"partial write: key contains invalid unicode: \\"power\\" dropped=1"}'),
    (400, '{"error":"metric parse error: expected field at 1:8: \\"power value=\\""}'),
    (400, '{"error":"Invalid request to region 1, reason: column value expect type Float64, given: STRING(12)"}'),
    (
        201,
        '{"code":"invalid","message":"partial write has occurred, errors encountered on line(s): line 1: …","line":1}',
    ),
    (200, '{"error":"partial write: field type conflict dropped=1"}'),
    (500, '{"error":"partial write: invalid tag key: input tag \\"time\\" on measurement \\"power\\" is invalid"}'),
    (503, '{"message":"field type conflict: input field \\"value\\" is type float, already exists as type integer"}'),
]
PASSES = [  # a disk, a limit, a busy server: the same line gets through once it is over
    (400, '{"error":"partial write: max-series-per-database limit exceeded: (1000000) dropped=1"}'),
    (
        400,
        '{"error":"partial write: max-values-per-tag limit exceeded (100000/100000): dropped=1"}',
    ),
    (
        400,
        '{"error":"partial write: write /var/lib/influxdb/data/db/_series/06/0002: no space left on device dropped=1"}',
    ),
    (500, '{"error":"write /var/lib/influxdb/wal/db/autogen/2/_00001.wal: no space left on device"}'),
    (422, '{"error":"partial write: open /var/lib/influxdb/data/db/autogen/9: read-only file system dropped=30"}'),
    (400, '{"error":"partial write: input/output error dropped=1"}'),
    (500, '{"error":"[shard 31] open .: permission denied"}'),
    (500, '{"error":"[shard 50] lstat L1-00000133.tsi: permission denied"}'),
    (400, '{"code":"invalid","message":"partial write: engine is closed dropped=1"}'),
    (500, '{"error":"timeout"}'),
    (400, '{"error":"partial write: timeout dropped=3"}'),
    (400, '{"error":"write failed: hinted handoff queue not empty"}'),
    (500, '{"error":"engine: cache-max-memory-size exceeded: (1073747571/1073741824)"}'),
    (400, '{"error":"partial write: engine: cache-max-memory-size exceeded: (1073747571/1073741824) dropped=2"}'),
    (500, '{"message":"unexpected error writing points to database: [shard 155] unexpected end of JSON input"}'),
    (
        400,
        '{"code":"invalid","message":"dml handler error: service limit reached: table has 267 columns, limit is 200"}',
    ),
    (422, '{"error":"Update to schema would exceed number of tables limit of 2000 tables"}'),
    (400, '{"error":"Adding a new database would exceed limit of 5 databases"}'),
    (403, '{"code":"forbidden","message":"org 1 has exceeded limited_write plan limit"}'),
    (400, '{"code":"invalid","message":"cardinality limit reached for bucket"}'),
    (400, "cannot add 1 rows to storage in 30s, since it is overloaded with 64 concurrent writers"),
    (400, "the storage is in read-only mode; check -storage.minFreeDiskSpaceBytes command-line flag value"),
    (400, 'remoteAddr: "192.0.2.1"; cannot read compressed request in 153 seconds: read: connection timed out'),
    (429, "cannot serve more than -maxConcurrentRequests=10 concurrent requests"),
    (503, "all the 1 backends for the user are unavailable"),
    (502, "<html><head><title>502 Bad Gateway</title></head></html>"),
    (524, "<!DOCTYPE html><title>A timeout occurred</title>"),
    (400, '{"error":"partial write: engine: write points: invalid argument dropped=1"}'),
    (400, '{"error":"partial write: stale NFS file handle dropped=1"}'),
    (400, '{"error":"partial write: write buffer is full dropped=1"}'),
    (400, '{"error":"partial write: cannot create snapshot dropped=1"}'),
    (400, '{"error":"the storage is in readonly mode: not enough free disk space"}'),
    (400, '{"error":"Reject write request, the mutable memory is full"}'),
    (500, ""),
    (507, ""),
    (408, ""),
]
NEEDS_SOMEBODY = [  # the request or its way, not the data: nothing is parked
    (400, '{"code":"invalid","message":"gzip: invalid header"}'),
    (400, '{"error":"gzip: invalid header"}'),
    (400, '{"code":"invalid","message":"unexpected EOF"}'),
    (400, '{"code":"invalid","message":"unable to read data: unexpected EOF"}'),
    (400, "cannot read influx line protocol data: unexpected EOF"),
    (400, "Error decompressing request body: EOF"),
    (400, "Request body didn't contain valid UTF-8: invalid utf-8 sequence of 1 bytes from index 1"),
    (400, '{"code":"invalid","message":"malformed Authorization header"}'),
    (400, '{"code":"invalid","message":"invalid precision; valid precision units are ns, us, ms, and s"}'),
    (400, '{"error":"time precision \'m\' is not supported"}'),
    (400, '{"code":"invalid","message":"malformed body"}'),
    (400, '{"code":"invalid"}'),
    (400, 'cannot find the provided auth token "****" in config'),
    (401, '{"error":"unable to parse authentication credentials"}'),
    (400, '{"error":"unable to parse authentication credentials"}'),
    (401, '{"code":"unauthorized","message":"unauthorized access"}'),
    (400, "missing route for /write"),
    (400, '{"error":"database is required"}'),
    (404, '{"error":"database not found: \\"home\\""}'),
    (500, '{"error":"retention policy not found: x"}'),
    (400, "Client sent an HTTP request to an HTTPS server.\n"),
    (400, "<html><center>The plain HTTP request was sent to HTTPS port</center></html>"),
    (400, "<html><head><title>400 Request Header Or Cookie Too Large; conflict</title></head></html>"),
    (403, "error code: 1020"),
    (403, '{"error":"\\"reader\\" user is not authorized to write to database \\"home\\""}'),
    (200, "<html>Grafana</html>"),
    (200, ""),
    (201, ""),
    (202, ""),
    (301, "partial write"),
    (405, "method not allowed"),
]
TOO_BIG = [
    (413, ""),
    (400, '{"error":"http: request body too large"}'),
    (413, '{"code":"request too large","message":"unable to read data: points batch is too large"}'),
]
CASES = [
    *((status, said, {Verdict.DATA_FAULT}) for status, said in LASTS),
    *((status, said, {Verdict.LATER}) for status, said in PASSES),
    *((status, said, {Verdict.HOLD}) for status, said in NEEDS_SOMEBODY),
    *((status, said, {Verdict.TOO_BIG}) for status, said in TOO_BIG),
]


@pytest.mark.parametrize(("status", "said", "expected"), CASES)
def test_what_a_server_says_means(status: int, said: str, expected: set[Verdict]) -> None:
    assert {meaning(status, said).verdict} == expected


@pytest.mark.parametrize(("status", "said"), [(400, "mystery"), (422, ""), (500, "mystery"), (418, "")])
def test_unknown_words_never_blame_the_data(status: int, said: str) -> None:
    assert meaning(status, said).verdict in (Verdict.HOLD, Verdict.LATER)


@pytest.mark.parametrize("said", ["mystery", "", '["x", null]', "<html>400 Bad Request</html>"])
def test_unknown_words_never_blame_the_password(said: str) -> None:
    assert "password" not in meaning(400, said).hint
    assert "see its log" in meaning(400, said).hint


@pytest.mark.parametrize(
    ("status", "said", "taken"),
    [
        (400, '{"code":"invalid","message":"writing requires points"}', True),
        (400, '{"error":"unable to parse \'\': missing fields"}', True),
        (422, '{"error":"no data"}', True),
        (400, '{"code":"invalid","message":"unexpected EOF"}', False),
        (400, '{"code":"invalid","message":"malformed Authorization header"}', False),
        (401, '{"code":"invalid"}', False),
        (500, "empty", False),
    ],
)
def test_a_batch_without_lines_asks_whether_lines_would_be_taken(status: int, said: str, taken: bool) -> None:
    assert about_no_points(status, said) is taken


@pytest.mark.parametrize("said", ["", '{"message":"partial write has occurred"}', "field type conflict"])
def test_what_a_201_means_is_said_of_no_other_status(said: str) -> None:
    assert "took some of the points and refused others" in meaning(201, said).hint
    assert "201" not in meaning(400, said).hint


def test_what_is_forbidden_may_be_so_for_one_measurement_only() -> None:
    assert not meaning(403, '"reader" user is not authorized to write').whole
    assert meaning(401, "authorization failed").whole


@pytest.mark.parametrize("status", [200, 202, 203, 206, 400, 402, 405, 409, 418, 422])
def test_a_status_that_nobody_expects_holds_the_points_and_says_where_to_look(status: int) -> None:
    found = meaning(status, "hello")
    assert found.verdict is Verdict.HOLD
    assert "[server]" in found.hint


def test_a_status_says_what_to_look_at_and_whether_it_is_about_all_lines() -> None:
    assert "no database's write address" in meaning(200, "<html>").hint
    assert "some of the points" in meaning(201, "").hint
    for status, whole in (
        (200, True),
        (307, True),
        (401, True),
        (404, True),
        (408, True),
        (429, True),
        (502, True),
        (503, True),
        (599, True),
        (500, False),
    ):
        assert meaning(status, "").whole is whole, status


@pytest.mark.parametrize("status", [200, 400, 500, 599])
def test_words_about_a_line_count_whatever_the_status(status: int) -> None:
    assert meaning(status, "field type conflict: input field").verdict is Verdict.DATA_FAULT
