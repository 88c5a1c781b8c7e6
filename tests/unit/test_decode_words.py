"""What `homemon decode` says, word for word."""

import pytest

from homemon.sim.kyocera import Faults
from homemon.sources.kyocera import protocol as kyocera
from tests.integration.test_decode import POWER, A, B, S, properties, reported, words
from tests.traces import dumped
from tests.unit.test_solar import memory

TEXTS = {
    "10 81 00 01 02 88 01 05 ff 01 72 02 e7 04 ff ff ff 38 e8 04 00 2a 7f fe": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  E7 power: -200 W
  E8 current: R 4.2 A, T no data""",
    "1081000102880105FF017204E7047FFFFFFEE0 04FFFFFFFEE7047FFFFFFFE70480000000": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  E7 power: no data (7FFFFFFE)
  E0 energy import: no data (FFFFFFFE)
  E7 power: overflow (7FFFFFFF)
  E7 power: underflow (80000000)""",
    "1081000102880105FF017201EA0B07E70C13001EFFFFFFFFFE": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  EA energy import at the half-hour: no data (07E70C13001EFFFFFFFFFE)""",
    "1081000102880105FF015203E100D304000000 14E70100": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_SNA (52): answers, but not all
  E1 unit: refused
  D3 coefficient: 20
  E7 power: 00 (EPC E7 (power) takes 4 bytes, 1 came)""",
    "1081000105FF010288016101E50101": """\
ECHONET Lite, TID 0001, from controller 05FF01 to smart meter 028801, SetC (61): sets
  E5 history day: 1 days ago""",
    "1081000102880105FF017101E500": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Set_Res (71): has set
  E5 history day: set""",
    "1081000102880105FF015101E50164": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, SetC_SNA (51): does not set all of
  E5 history day: not set, 100 days ago""",
    "1081000105FF01028801620398009700F000": """\
ECHONET Lite, TID 0001, from controller 05FF01 to smart meter 028801, Get (62): asks for
  98 date
  97 clock
  F0""",
    "1081000102880105FF017202F0020102EC0F07E70C13001E01 0000458E FFFFFFFE": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  F0: 2 bytes, not known to homemon: 0102
  EC second history: 1 half-hours, import and export in counts
    2023-12-19 00:30  17806 -""",
    "1081 0001 026B01 05FF01 72 08 8402FFFE 850400012345 E1020172 B30 137 B301FD EA0143 C20400000000 C30142": """\
ECHONET Lite, TID 0001, from EcoCute 026B01 to controller 05FF01, Get_Res (72): answers
  84 power: underflow (FFFE)
  85 energy: 74565 × 0.001 kWh
  E1 hot water left: 370 L
  B3 heating temperature set: 55 °C
  B3 heating temperature set: undefined (FD)
  EA bath: keeping warm
  C2 alarms: 00000000
  C3 hot water: not drawn""",
    "1081 0001 0EF001 05FF01 72 04 8204010E0100 D303000002 D60702026B01013001 D70502026B0130": """\
ECHONET Lite, TID 0001, from node profile 0EF001 to controller 05FF01, Get_Res (72): answers
  82 version: ECHONET Lite 1.14
  D3 number of objects: 2
  D6 objects: 2: 026B01 EcoCute, 013001 air conditioner
  D7 classes: 2: 026B EcoCute, 0130 air conditioner""",
    "1081000102880105FF017201E2C20001" + "0000458E" * 47 + "FFFFFFFE": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  E2 import history: yesterday, 47 of 48 half-hours in counts; first 17806, last 17806
    00:00  17806 17806 17806 17806 17806 17806
    03:00  17806 17806 17806 17806 17806 17806
    06:00  17806 17806 17806 17806 17806 17806
    09:00  17806 17806 17806 17806 17806 17806
    12:00  17806 17806 17806 17806 17806 17806
    15:00  17806 17806 17806 17806 17806 17806
    18:00  17806 17806 17806 17806 17806 17806
    21:00  17806 17806 17806 17806 17806     -""",
    "1081000102880105FF0172029D05048088EAEB9E0202E5": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
  9D map of what it announces: 4 properties
    80 operation, 88 fault, EA energy import at the half-hour, EB energy export at the half-hour
  9E map of what can be set: 02E5 (byte 2: the property map promises 2 EPCs, 1 are there)""",
    "1081000202880105FF017401D70106": """\
ECHONET Lite, TID 0002, from smart meter 028801 to controller 05FF01, INFC (74): announces, and wants it confirmed
  D7 digits: 6""",
    "1081000205FF010288017A01D700": """\
ECHONET Lite, TID 0002, from controller 05FF01 to smart meter 028801, INFC_Res (7A): confirms
  D7 digits: confirmed""",
    "1081000102880105FF017E01E50001E7040000020B": """\
ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, SetGet_Res (7E): has set, and answers
  E5 history day: set
  E7 power: 523 W""",
    f"ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A C5 1 0 0012 {POWER}": f"""\
ERXUDP: a datagram of 18 bytes, encrypted
  from {A} port 3610 (0E1A), MAC 0000AA000000000A
  to   {B} port 3610 (0E1A)
  RSSI -50.1 dBm (LQI C5)
  ECHONET Lite, TID 0001, from smart meter 028801 to controller 05FF01, Get_Res (72): answers
    E7 power: 523 W""",
    f"ERXUDP {A} {B} 02CC 02CC 0000AA000000000A 0 0004 01020304": f"""\
ERXUDP: a datagram of 4 bytes, not encrypted
  from {A} port 716 (02CC)
  to   {B} port 716 (02CC)
  PANA, the handshake of the join: not shown, for it carries the Route-B ID""",
    f"[2017-05-31 12:00:00] EVENT 29 {A} 0": f"""\
EVENT 29: the session's lifetime expired (from {A}, side 0)""",
    f"EVENT 21 {A} 01": f"EVENT 21: not sent: it failed (from {A}, parameter 1)",
    "FAIL ER10": "FAIL ER10: accepted, but it failed",
    f"EINFO {B} 0000AA0000000001 21 8888 FFFE": f"""\
EINFO: the module is {B}, MAC 0000AA0000000001, channel 21, PAN ID 8888, dialect of the BP35A1""",
    "EPANDESC\n  Channel:33\n  Channel Page:09\n  Pan ID:6393\n  Addr:0000AA0000000007\n  LQI:4E\n  PairID:0": """\
EPANDESC: a meter was found
  channel 33 (number 51)
  channel page 09
  PAN ID 6393
  MAC 0000AA0000000007
  RSSI -82.8 dBm (LQI 4E)
  pairing ID not shown: it is the end of the Route-B ID""",
    "EPANDESC Channel:33 Channel Page:09 Pan ID:6393 Addr:0000AA00": """\
EPANDESC: a meter was found
  channel 33 (number 51)
  channel page 09
  PAN ID 6393
  makes sense up to byte 48: the Addr is broken""",
    f"ERXUDP {A} FE80:0000": f"""\
ERXUDP: sender {A}
  makes sense up to byte 56: the destination is cut off or broken""",
    "SKSETPWD C Qx7Zk2Lw9TbV": "echo of a command: SKSETPWD ****",
    "020603 ": "ACK",
    "02434D44303130303030303032313446434203": "command CMD01000000214F: announces 8527 bytes of memory",
}


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:40])
def test_what_a_person_reads(text: str) -> None:
    assert words(text) == TEXTS[text]


TRACE = f"""\
{S}:27.001+09:00 wisun > SKSENDTO 1 {A} 0E1A 1 0 000E \\x10\\x81\\x00\\x01\\x05\\xFF\\x01\\x02\\x88\\x01b\\x01\\xE1\\x00
{S}:27.100+09:00 wisun < EVENT 21 {A} 0 00
{S}:28.000+09:00 wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 0012 1081000102880105FF017201E0040000FE73
{S}:29.000+09:00 wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 000F 1081000102880105FF017201E10101
{S}:30.000+09:00 wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 0012 1081000102880105FF017201E0040000FE73
{S}:31.000+09:00 wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 000E 1081000102880105FF015201D300
{S}:32.000+09:00? wisun < ERXUDP {A} {B} 0E1A 0E1A 0000AA000000000A 1 0 0012 1081000102880105FF017201E0040000FE73
{S}:33.000+09:00 wisun < ERXUDP {A} {B} 02CC 02CC ****
{S}:34.000+09:00 udp > 192.168.1.20:3610 1081000105FF01026B0162018400
{S}:35.000+09:00 kyocera > 02434D4431303030464646463530 03
{S}:36.000+09:00 kyocera < 20FF
"""
ASKED = "from controller 05FF01 to EcoCute 026B01, Get (62): asks for"
SAID = f"""\
2026-11-23 17:14:27.001 wisun > command SKSENDTO 1 {A} 0E1A 1 0 000E
  ECHONET Lite, TID 0001, from controller 05FF01 to smart meter 028801, Get (62): asks for
    E1 unit
2026-11-23 17:14:27.100 wisun < EVENT 21: sent, and acknowledged (from {A}, side 0, parameter 0)
... E0 energy import: 65139 counts
... E1 unit: 0.1 kWh a count
... E0 energy import: 65139 counts = 6513.9 kWh if D3 is 1
... D3 coefficient: refused
2026-11-23 17:14:32.000? wisun < ERXUDP: a datagram of 18 bytes, encrypted
... E0 energy import: 65139 counts = 6513.9 kWh
2026-11-23 17:14:33.000 wisun < ERXUDP: PANA, the handshake of the join: not shown, for it carries the Route-B ID
  from {A} port 716 (02CC)
  to   {B} port 716 (02CC)
2026-11-23 17:14:34.000 udp > 192.168.1.20:3610 ECHONET Lite, TID 0001, {ASKED}
  84 power
2026-11-23 17:14:35.000 kyocera > asks for the whole memory
2026-11-23 17:14:36.000 kyocera < 2 bytes: 20FF"""


def test_a_trace_is_explained_line_by_line_and_kwh_follow_the_unit_reported_before() -> None:
    said = iter(words(TRACE).splitlines())
    for wanted in SAID.splitlines():
        if wanted.startswith("... "):
            assert any(line.strip() == wanted[4:] for line in said), wanted
        else:
            assert wanted in said
    facts = [account.facts for account in reported(TRACE)]
    assert [fact["line"] for fact in facts] == list(range(1, 12))
    registers = [prop for fact in facts for prop in properties(fact) if prop["epc"] == "E0"]
    assert [prop.get("kwh") for prop in registers] == [None, 6513.9, 6513.9]


def test_a_dump_of_the_monitor_is_explained_day_by_day() -> None:
    data = memory({("hatuden", 0, 23): 17, ("baiden_diff", 0, 23): -3, ("hatuden", 1, 0): 5, ("hatuden", 1, 1): 6})
    text = kyocera.dump_text(data)
    assert (
        words(text)
        == """\
memory of the solar monitor: 8527 bytes, 2 days with data
  2017-05-31: generation 1.7 in 1 half-hours, bought − sold -0.3 in 1 half-hours
  2017-05-30: generation 1.1 in 2 half-hours
  1578 bytes from 1B25 on are not understood"""
    )
    (account,) = reported(text)
    assert account.facts["days"][1]["hatuden"][:3] == [0.5, 0.6, None]
    for size in (5, 7, 100, 1000, 18_000):
        for cut in reported(text[:size]):
            assert "error" in cut.facts
    (half,) = reported(text[:3000])  # 42 lines of 71 characters, and 6 bytes of the next
    assert half.lines[-1] == "  makes sense up to byte 1350: a whole memory has 6949 bytes at least"
    (torn,) = reported(text[:3001])
    assert torn.lines[-1] == "  makes sense up to byte 2982: line 43 is no line of a dump (`0000: ` and hex digits)"


def test_a_dump_in_a_trace_ends_with_the_memory() -> None:
    lines, whole = dumped(Faults())
    assert whole
    said = words("\n".join(lines))
    assert "kyocera > ACK: 8527 of 8527 bytes are read\n  memory of the solar monitor: 8527 bytes, 35 days" in said
    assert reported("\n".join(lines))[-1].facts["memory"]["days"] == reported(kyocera.dump_text(whole))[0].facts["days"]
