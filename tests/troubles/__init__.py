"""The troubles of docs/troubleshooting.md, made with simulators and real servers, met by the real commands."""
