"""`python -m tests.longrun.fuzz`: runs the targets under atheris, a coverage-guided fuzzer, one process each.

`--seconds N` is shared out between the targets; a name fuzzes that one only. The corpus grows under
build/fuzz/corpus, from the seeds; an input that breaks a promise stays in build/fuzz/findings and is
tried again by `python -m tests.longrun.fuzz NAME FILE`. Exit status 1 when there is one.
"""

import argparse
import hashlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

BUILD = Path("build/fuzz")
LONGEST = 20_000  # bytes of an input; a memory of the solar monitor has 8,527
SLOWEST = 20  # seconds for one input


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.longrun.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("target", nargs="?", help="only this one")
    parser.add_argument("file", nargs="*", help="only this input of it, once")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if find_spec("atheris") is None:
        print("atheris is not installed: it comes with `pip install -e .[fuzz]`, ready-made for x86-64 only")
        return 1
    if wanted.here or wanted.file:
        fuzz(wanted.target, wanted.seconds, wanted.file)
        return 0
    from tests.longrun.fuzz.targets import TARGETS

    names = [wanted.target] if wanted.target else list(TARGETS)
    share = wanted.seconds / len(names)
    failed = [name for name in names if not survives(name, share)]
    print(f"{len(names)} targets, {share:.0f} s each; broken: {', '.join(failed) or 'none'}")
    return bool(failed)


def survives(name: str, seconds: float) -> bool:
    """Fuzz one target in a process of its own; says what came of it."""
    command = (sys.executable, "-m", "tests.longrun.fuzz", "--here", "--seconds", str(seconds), name)
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
    lines = run.stderr.splitlines()
    if run.returncode:
        print(f"{name}: BROKEN\n" + "\n".join(lines[-60:]), flush=True)
    else:
        print(f"{name}: {next((line for line in reversed(lines) if line.startswith('Done')), '')}", flush=True)
    return not run.returncode


def fuzz(name: str, seconds: float, files: list[str]) -> None:
    """Fuzz in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["homemon"], exclude=["homemon.sim"]):
        from tests.longrun.fuzz.seeds import WORDS
        from tests.longrun.fuzz.targets import TARGETS

    target = TARGETS[name]
    corpus, findings = BUILD / "corpus" / name, BUILD / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    words = BUILD / "words"
    words.write_text("".join('"' + "".join(f"\\x{byte:02X}" for byte in word) + '"\n' for word in WORDS))
    arguments = [f"-dict={words}", f"-artifact_prefix={findings}/{name}-", f"-max_len={LONGEST}", f"-timeout={SLOWEST}"]
    arguments += files or [f"-max_total_time={max(1, round(seconds))}", str(corpus)]
    atheris.Setup([sys.argv[0], *arguments], lambda data: target.run(bytes(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
