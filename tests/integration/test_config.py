"""config.ini: every fault at once and by its line, and no byte changed but the address."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from homemon.config import read as config
from homemon.config.edit import replace_address
from homemon.config.keys import KEYS
from homemon.config.place import find
from homemon.core.errors import ConfigError
from tests import ROOT
from tests.commands import homemon

METER = "[smartmeter]\nbid = 00112233445566778899AABBCCDDEEFF\npwd = 0123456789AB\n"


def parsed(text: str) -> config.Config:
    return config.parse(text, Path("config.ini"))


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        parsed(text)
    assert error.value.exit_code == 2
    return str(error.value).splitlines()


def test_the_originals_config_is_read_as_it_is() -> None:
    original = "[smartmeter]\n\naddress = FE80:0000:0000:0000:0200:AA00:0000:0002\npwd = 0123456789AB\n"
    original += "bid = 00112233445566778899AABBCCDDEEFF\n\n[server]\nurl = http://example.com\n"
    read = parsed(original)
    assert read.smartmeter is not None
    assert read.server is not None
    assert read.smartmeter.serial_port == "/dev/ttyAMA0"
    assert (read.server.url, read.server.db) == ("http://example.com:8086", "smartmeter")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("x = 1\n", "config.ini:1: a line before the first [section]"),
        (METER + "what\n", "config.ini:4: neither a [section], nor key = value, nor a comment"),
        (
            METER + "bid = 00112233445566778899AABBCCDDEEFF\n",
            "config.ini:4: [smartmeter] bid: stands already on line 2",
        ),
        (METER + "\n[smartmeter]\n", "config.ini:5: [smartmeter]: stands already on line 1"),
        (METER + "\n[serverr]\n", "config.ini:5: [serverr]: no such section"),
        (METER + "Serial_Portt = x\n", "config.ini:4: [smartmeter] serial_portt: no such key"),
        ("[smartmeter]\npwd = 0123456789AB\n", "config.ini:1: [smartmeter] bid: is missing"),
        ("[server]\nurl = htp://host\n", "config.ini:2: [server] url: must be like"),
        ("[server]\nurl = http://fe80::1\n", "config.ini:2: [server] url: must be like"),
        ("[server]\nurl = http://host:99999\n", "config.ini:2: [server] url: must have a port up to 65535"),
        ("[server]\nurl = http://me:pw@host\n", "config.ini:2: [server] url: must be like"),
        ("[server]\nurl = http://h\nuser = me\n", "config.ini:1: [server] user and password go together"),
        ("[server]\nurl = http://h\norg = o\n", "config.ini:1: [server] org and bucket go together"),
        ("[server]\nurl = http://h\ntimeout = soon\n", "config.ini:3: [server] timeout: must be a number of seconds"),
        ("[store]\nkeep_days = -1\n", "config.ini:2: [store] keep_days: must be a whole number from 0"),
        ("[tags]\nhome =\n", "config.ini:2: [tags] home: is empty"),
        ("[tags]\n  home =\n", "config.ini:2: [tags] home: is empty"),
        ("[tags]\ntime = x\n", "config.ini:2: [tags] time: a tag's name is"),
        ("[tags]\na b = x\n", "config.ini:2: [tags] a b: a tag's name is"),
        (METER + "serial_port = spy:///dev/x\n", "config.ini:4: [smartmeter] serial_port: must be a device"),
        ("[store]\ndir = ~nobody-here/x\n", "config.ini:2: [store] dir: names a user who does not exist"),
        ("[kyocera]\ntransport = usb\n", "config.ini:2: [kyocera] transport: must be i2c or serial"),
        ("[mqtt]\nhost =\n", "config.ini:2: [mqtt] host: is empty"),
        ("[mqtt]\nhost = h\nretain = true\n", "config.ini:3: [mqtt] retain: must be yes or no"),
        (
            "[mqtt]\nhost = h\nprefix = a b\n",
            "config.ini:3: [mqtt] prefix: must be a topic such as homemon or home/energy",
        ),
        ("[mqtt]\nhost = h\ndiscovery = on\n", "config.ini:3: [mqtt] discovery: must be device, entities or off"),
        ("[homeassistant]\nurl = http://h\ntoken =\n", "config.ini:3: [homeassistant] token: is empty"),
        (
            "[homeassistant]\nurl = http://h\ntoken = Bearer x\n",
            "config.ini:3: [homeassistant] token: must be one word",
        ),
        ("[ecocute]\nhost = h\neoj = 26B\n", "config.ini:3: [ecocute] eoj: must be 6 hexadecimal digits"),
    ],
)
def test_a_fault_is_reported_with_its_line(text: str, where: str) -> None:
    assert [fault for fault in faults(text) if fault.startswith(where)], faults(text)


@pytest.mark.parametrize("text", ["[ecocute]\n", "[ecocute]\nhost =\n"])
def test_the_ecocutes_host_may_be_left_out(text: str) -> None:
    read = parsed(text).devices["ecocute"]
    assert (read.host, read.bind, read.port, read.eoj) == (None, "0.0.0.0", 3610, 0x026B01)


def test_all_faults_are_reported_at_once_in_the_order_of_their_lines() -> None:
    reported = faults("[smartmeter]\nbid = 12\npwd = 12\n[server]\nurl = x:y\n[store]\nkeep_days = x\n")
    assert [fault.split(":")[1] for fault in reported] == ["2", "3", "5", "7"]


@pytest.mark.parametrize("secret", ["0011223344556677", "zz112233445566778899AABBCCDDEEFF"])
def test_no_fault_shows_the_value(secret: str) -> None:
    reported = faults(f"[smartmeter]\nbid = {secret}\npwd = {secret}\n[server]\nurl = http://u:{secret}@h\n")
    assert len(reported) == 3
    assert not any(secret in fault for fault in reported)
    assert secret not in repr(reported)


BID, PWD = "00112233445566778899AABBCCDDEEFF", "0123456789AB"
WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


@pytest.mark.parametrize(
    "written",
    [
        lambda value: value.lower() if len(value) == 32 else value,
        lambda value: value.translate(WIDE),
        lambda value: "-".join(value[at : at + 4] for at in range(0, len(value), 4)),
        lambda value: " ".join(value[at : at + 4] for at in range(0, len(value), 4)),
        lambda value: "\u3000".join(value[at : at + 4] for at in range(0, len(value), 4)),
        lambda value: "\t".join(value[at : at + 8] for at in range(0, len(value), 8)),
        lambda value: "－".join(value[at : at + 4] for at in range(0, len(value), 4)),
        lambda value: "\n  ".join(value[at : at + 8] for at in range(0, len(value), 8)),
        lambda value: f'"{value}"',
        lambda value: f"'{value}'",
        lambda value: f"“{value}”",
        lambda value: f"「{value}」",
        lambda value: f"\u200b{value}\ufeff",
        lambda value: f"\xa0{value}\u3000",
        lambda value: f"{value[:6]}\u200d{value[6:]}",
    ],
)
def test_what_means_nothing_in_the_letters_values_does_no_harm(written: Callable[[str], str]) -> None:
    read = parsed(f"[smartmeter]\nbid = {written(BID)}\npwd = {written(PWD)}\n").smartmeter
    assert read is not None
    assert (read.bid, read.pwd) == (BID, PWD)


@pytest.mark.parametrize("written", ["{}", '"{}"', "“{}”", "{}\u200b", " {} "])
def test_what_surrounds_a_copied_token_is_none_of_it(written: str) -> None:
    read = parsed(f"[homeassistant]\nurl = http://h\ntoken = {written.format('eyJh.a-b_c.0')}\n").homeassistant
    assert read is not None
    assert read.token == "eyJh.a-b_c.0"


@pytest.mark.parametrize(
    ("bid", "pwd", "reported"),
    [
        (BID.replace("0", "O"), PWD, ["2: [smartmeter] bid", "it has the letter O, which is none: the digit 0?"]),
        (BID.replace("1", "l"), PWD, ["2: [smartmeter] bid", "it has the letter l, which is none: the digit 1?"]),
        (BID.replace("1", "I"), PWD, ["2: [smartmeter] bid", "it has the letter I, which is none: the digit 1?"]),
        (BID.replace("5", "S"), PWD, ["2: [smartmeter] bid", "it has the letter S, which is none: the digit 5?"]),
        (BID.replace("C", "С"), PWD, ["2: [smartmeter] bid", "it has a Cyrillic character"]),
        (BID.replace("A", "Α"), PWD, ["2: [smartmeter] bid", "it has a Greek character"]),
        (BID.replace("C", "K"), PWD, ["2: [smartmeter] bid", "it has a letter beyond F"]),
        (BID[:-1], PWD, ["2: [smartmeter] bid", "it has 31 characters"]),
        (f"{BID}  ; mine", PWD, ["2: [smartmeter] bid", "has a comment behind it"]),
        (f"{BID} # mine", PWD, ["2: [smartmeter] bid", "has a comment behind it"]),
        (f"{BID}#mine", PWD, ["2: [smartmeter] bid", "has a comment behind it"]),
        (f"{BID} // mine", PWD, ["2: [smartmeter] bid", "has a comment behind it"]),
        (f"{BID}（葉書から）", PWD, ["2: [smartmeter] bid", "has a comment behind it"]),
        (BID, f"{PWD} ＃ 葉書から", ["3: [smartmeter] pwd", "has a comment behind it"]),
        (BID, PWD.replace("A", "А"), ["3: [smartmeter] pwd", "it has a Cyrillic character"]),
        (BID, PWD + "C", ["3: [smartmeter] pwd", "it has 13 characters"]),
        (PWD, BID, ["2: [smartmeter] bid", "as the pwd has: are the two swapped?"]),
        (PWD, BID, ["3: [smartmeter] pwd", "as the bid has: are the two swapped?"]),
    ],
)
def test_a_slip_in_the_letters_values_is_named_with_its_cause_and_never_shown(
    bid: str, pwd: str, reported: list[str]
) -> None:
    found = faults(f"[smartmeter]\nbid = {bid}\npwd = {pwd}\n")
    assert [fault for fault in found if all(text in fault for text in reported)], found
    for value in (BID, PWD):
        assert not [fault for fault in found for at in range(len(value) - 2) if value[at : at + 3] in fault]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("[smartmeter]\nserial_bps", "115200 ; as delivered"),
        ("[smartmeter]\nserial_port", "/dev/ttyUSB0  # the stick"),
        ("[ecocute]\nhost", "192.168.1.20 ; the heater"),
        ("[kyocera]\ntransport", "serial # not i2c"),
        ("[store]\ndir", "/srv/homemon ; the SSD"),
        ("[store]\nkeep_days", "30; a month"),
        ("[server]\nurl", "http://localhost # here"),
    ],
)
def test_a_comment_behind_a_value_is_named(key: str, value: str) -> None:
    assert [fault for fault in faults(f"{key} = {value}\n") if "has a comment behind it" in fault]


@pytest.mark.parametrize(
    "text",
    [
        METER.replace("[smartmeter]", "［smartmeter］"),
        METER.replace("=", "＝"),
        METER.replace("bid", "ｂｉｄ"),
        METER.replace("bid", "\u200bbid\u200b"),
        METER.replace("[smartmeter]", "\u3000[smartmeter]\u200b"),
        METER.replace("[smartmeter]", "\ufeff[smartmeter]"),
        METER.replace("bid =", "bid\t=\t"),
        METER + "\u3000\n\u200b\n＃ 葉書の番号\n；これも\n",
        METER.replace("\n", "\r\n"),
    ],
)
def test_a_file_that_looks_right_in_an_editor_is_read(text: str) -> None:
    read = parsed(text).smartmeter
    assert read is not None
    assert (read.bid, read.pwd) == (BID, PWD)


def test_lines_keep_their_numbers_and_insets_however_they_are_straightened() -> None:
    text = "# 家\n\u3000\n［smartmeter］\n  bid ＝ " + BID + "\n  pwd = 12\n"
    assert [fault.split(":")[1] for fault in faults(text)] == ["5"]


@pytest.mark.parametrize(
    "placeholder", ["[京セラモニタ通信用シリアルポート・ビットレート]", "<38400>", "［ここに］", "xxxx", "..."]
)
def test_a_placeholder_in_a_key_that_is_not_used_stops_nothing(placeholder: str) -> None:
    read = parsed(METER + f"[kyocera]\nserial_bps = {placeholder}\n")
    assert read.kyocera is not None
    assert read.kyocera.serial_bps == 38400
    assert read.unfilled == {
        "kyocera": ["config.ini:5: [kyocera] serial_bps: still holds the placeholder of a template"]
    }


def test_a_placeholder_in_the_letters_values_leaves_the_other_devices_alone() -> None:
    read = parsed("[smartmeter]\nbid = [BルートID]\npwd = [パスワード]\n[ecocute]\n")
    assert (read.smartmeter, [*read.devices]) == (None, ["ecocute"])
    assert len(read.unfilled["smartmeter"]) == 2


def test_a_placeholder_is_a_fault_of_the_commands_that_need_the_value(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(
        f"[smartmeter]\nbid = [BルートID]\npwd = ...\n[ecocute]\n[store]\ndir = {tmp_path}/store\n"
    )
    run = homemon("meter-poll", cwd=tmp_path)
    assert run.returncode == 2
    assert f"{tmp_path}/config.ini:2: [smartmeter] bid: still holds the placeholder" in run.stderr
    assert homemon("export", cwd=tmp_path).returncode == 0


def test_a_path_may_hold_any_character() -> None:
    assert parsed("[store]\ndir = /srv/ＳＳＤ#1;x\n").store.dir == Path("/srv/ＳＳＤ#1;x")
    assert parsed('[store]\ndir = "/srv/home mon"\n').store.dir == Path("/srv/home mon")


@pytest.mark.parametrize(
    "url",
    ["http//localhost", "htp//localhost", "http:/localhost", "http:\\\\localhost", "https//vm:8428", "http:localhost",
     "http://", "http:///localhost", "192.168.1", "192.168.1.300", "localhost,", "http://local host", "//localhost"],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    (fault,) = faults(f"[server]\nurl = {url}\n")
    assert "must be like http://localhost" in fault


@pytest.mark.parametrize("host", ["http://192.168.1.20", "192.168.1.20/24", "192.168.1.20:3610", "192.168.1", "a b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    (fault,) = faults(f"[ecocute]\nhost = {host}\n")
    assert "must be an address such as 192.168.1.20, or a host's name" in fault


def test_a_password_may_hold_what_means_something_elsewhere() -> None:
    server = parsed("[server]\nurl = http://h\nuser = me\npassword = a%b;c#d = %(x)s\n").server
    assert server is not None
    assert server.password == "a%b;c#d = %(x)s"
    assert "a%b" not in repr(server)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://localhost", "http://localhost:8086"),
        ("http://localhost:80/", "http://localhost:80"),
        ("https://vm.example", "https://vm.example"),
        ("http://[fe80::1]", "http://[fe80::1]:8086"),
        ("influx.example", "http://influx.example:8086"),
        ("192.168.1.10:8428/", "http://192.168.1.10:8428"),
        ("HTTP://LOCALHOST", "http://LOCALHOST:8086"),
        ("http://my_server.local./", "http://my_server.local.:8086"),
        ("ｈｔｔｐ：／／ｌｏｃａｌｈｏｓｔ", "http://localhost:8086"),
        ("http://vm:8480/insert/0/influx/write", "http://vm:8480/insert/0/influx/write"),
    ],
)
def test_http_without_a_port_means_8086(url: str, read: str) -> None:
    server = parsed(f"[server]\nurl = {url}\n").server
    assert server is not None
    assert server.url == read


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_bytes(b"[smartmeter]\n# " + "電力".encode("shift_jis") + b"\n")
    with pytest.raises(ConfigError, match=r"config\.ini:2: not UTF-8 text, but most likely Shift_JIS"):
        config.load(path)
    path.write_bytes(METER.encode("utf-16"))
    with pytest.raises(ConfigError, match=r"config\.ini:1: not UTF-8 text, but UTF-16"):
        config.load(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_bytes(b"\xef\xbb\xbf" + METER.replace("\n", "\r\n").encode())
    read = config.load(path).smartmeter
    assert read is not None
    assert read.pwd == "0123456789AB"


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match="no configuration found"):
        find(None, {})
    users = tmp_path / "home/.config/homemon/config.ini"
    users.parent.mkdir(parents=True)
    users.touch()
    assert find(None, {}) == users
    (tmp_path / "config.ini").touch()
    assert find(None, {}) == Path("config.ini")
    assert find(None, {"HOMEMON_CONFIG": "/elsewhere"}) == Path("/elsewhere")
    assert find("named", {"HOMEMON_CONFIG": "/elsewhere"}) == Path("named")


ADDRESS = "FE80:0000:0000:0000:0200:AA00:0000:0002"
OLD = "FE80:0000:0000:0000:0200:AA00:0000:0009"
PAIRS = METER.removeprefix("[smartmeter]\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (METER + "address =\n\n[store]\n", METER + f"address ={ADDRESS}\n\n[store]\n"),
        (METER + "address = \n", METER + f"address = {ADDRESS}\n"),
        (METER + f"address: {OLD}\n", METER + f"address: {ADDRESS}\n"),
        ("# 家\n[smartmeter]\n" + PAIRS, f"# 家\n[smartmeter]\naddress = {ADDRESS}\n" + PAIRS),
        ("[tags]\naddress = x\n" + METER + "ADDRESS=", "[tags]\naddress = x\n" + METER + f"ADDRESS={ADDRESS}"),
        (
            METER + "[tags]\naddress = x\n",
            f"[smartmeter]\naddress = {ADDRESS}\n" + PAIRS + "[tags]\naddress = x\n",
        ),
        (
            "  [smartmeter]\n  bid = " + "0" * 32 + "\n  pwd = 0123456789AB\n",
            f"  [smartmeter]\n  address = {ADDRESS}\n  bid = " + "0" * 32 + "\n  pwd = 0123456789AB\n",
        ),
        ("\ufeff" + METER, f"\ufeff[smartmeter]\naddress = {ADDRESS}\n" + PAIRS),
    ],
)
def test_only_the_address_changes(tmp_path: Path, before: str, after: str) -> None:
    for text, wanted in ((before, after), (before.replace("\n", "\r\n"), after.replace("\n", "\r\n"))):
        path = tmp_path / "config.ini"
        path.write_bytes(text.encode())
        path.chmod(0o640)
        replace_address(path, ADDRESS)
        assert path.read_bytes() == wanted.encode()
        assert path.stat().st_mode & 0o777 == 0o640
        assert [entry.name for entry in tmp_path.iterdir()] == ["config.ini"]
        read = config.load(path).smartmeter
        assert read is not None
        assert read.address == ADDRESS


def test_an_address_that_cannot_be_put_in_its_place_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_text(METER.replace("[smartmeter]", "［smartmeter］"))
    with pytest.raises(OSError, match="by hand"):
        replace_address(path, ADDRESS)


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.ini", tmp_path / "config.ini"
    real.write_text(METER)
    link.symlink_to(real)
    replace_address(link, ADDRESS)
    assert link.is_symlink()
    assert ADDRESS in real.read_text()


def test_the_example_has_every_key_and_is_sound_when_all_of_it_is_switched_on() -> None:
    example = (ROOT / "config.ini.example").read_text()
    parsed(example)
    switched_on = re.sub(r"(?m)^# (\[[\w -]+\]|\w+ =.*)$", r"\1", example)
    for either in ("user = homemon\n", "password = secret\n"):  # not together with a token
        switched_on = switched_on.replace(either, "", 1)
    parsed(switched_on)
    for section, keys in KEYS.items():
        _, _, rest = example.partition(f"[{section}")
        here = rest.split("\n[")[0].split("\n# [")[0]
        for key in keys:
            assert re.search(rf"(?m)^(# )?{key} =", here), f"[{section}] {key}"
