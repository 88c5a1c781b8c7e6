"""The original scripts' ways with a port, said again in Python 3: as literal bytes, and as little as they did.

    python -m tests.original receive PORT            bp35c0_rcv2.py, without its curl
    python -m tests.original ask PORT                bp35c0_e7.py
    python -m tests.original ecocute-receive OURS    ec_rcv.py
    python -m tests.original ecocute-ask OURS HOST   ec_snd.py

Each reads ./config.ini as they did. Points go to stdout, in place of curl.
"""

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from configparser import ConfigParser

import serial

ini = ConfigParser()  # Python 2's SafeConfigParser
ini.read("./config.ini")


def receive(port: str) -> None:
    ser = serial.Serial(port, 115200)
    print("listening", ini.get("server", "url"), flush=True)
    while True:
        for text in points_of(ser.readline().decode("ascii", "replace")):
            print(text, flush=True)


def points_of(line: str) -> Iterator[str]:
    """What bp35c0_rcv2.py sends of a line of the module."""
    k = 0.1  # E1 is read, but into a variable of the function that reads it
    edata = line.strip().split(" ")[9][8:] if line.startswith("ERXUDP") else ""
    if edata[0:6] != "028801" or edata[12:14] not in ("72", "73"):
        return
    offset = 16
    for _ in range(int(edata[14:16], 16)):
        epc, pdc = edata[offset : offset + 2], int(edata[offset + 2 : offset + 4], 16)
        edt = edata[offset + 4 : offset + 4 + 2 * pdc]
        offset += 4 + 2 * pdc
        if epc == "E7":
            power = int(edt, 16)
            yield point("power", power - 0x100000000 if power > 0x80000000 else power, time.localtime())
        elif epc in ("EA", "EB"):
            at = " ".join(str(int(edt[a:b], 16)) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)))
            value = f"{float(int(edt[14:22], 16)) * k:.12g}"  # as Python 2 writes a float
            yield point("+power" if epc == "EA" else "-power", value, time.strptime(at, "%Y %m %d %H %M %S"))


def point(name: str, value: object, moment: time.struct_time) -> str:
    return f"{name} value={value} {int(time.mktime(moment)) * 1000000000}"


def ask(port: str) -> None:
    ser = serial.Serial(port, 115200)
    address = ini.get("smartmeter", "address").encode()
    ser.write(
        b"SKSENDTO 1 " + address + b" 0E1A 1 0 000E " + b"\x10\x81\x00\x01\x05\xff\x01\x02\x88\x01\x62\x01\xe7\x00"
    )


def ecocute_receive(ours: str) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((ours, 3610))
    print("listening", flush=True)
    while True:
        data = sock.recv(4096)
        if data[4:7] == b"\x02\x6b\x01" and data[7:10] == b"\x05\xff\x01" and data[11] == 3:
            _, _, power, _, _, total, _, _, tank = struct.unpack("!BBHBBIBBH", data[12:])
            now = int(time.mktime(time.localtime())) * 1000000000
            print(f"ecocute power={power},powerSum={total},tank={tank} {now}", flush=True)


def ecocute_ask(ours: str, host: str) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((ours, 0))
    sock.sendto(b"\x10\x81\x00\x01\x05\xff\x01\x02\x6b\x01\x62\x03\x84\x00\x85\x00\xe1\x00", (host, 3610))


SCRIPTS: dict[str, Callable[..., None]] = {
    "receive": receive,
    "ask": ask,
    "ecocute-receive": ecocute_receive,
    "ecocute-ask": ecocute_ask,
}

if __name__ == "__main__":
    SCRIPTS[sys.argv[1]](*sys.argv[2:])
