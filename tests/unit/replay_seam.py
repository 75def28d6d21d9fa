#!/usr/bin/env python3
"""A replay can cause nothing outside: the object code that reads the log and folds it calls nothing
that opens a connection, starts a process or sends a signal, and links no target that does.

Usage: replay_seam.py CANARY_ARCHIVE ARCHIVE...   The canary must show such calls, else the check is
blind.
"""
import re
import subprocess
import sys

OUTWARD = re.compile(
    r"^(curl_\w+|socket|connect|send|sendto|sendmsg|sendmmsg|getaddrinfo|system|popen|posix_spawnp?"
    r"|fork|vfork|exec[lv]\w*|.*HttpClient.*)$"
)


def calls(archive):
    listing = subprocess.run(
        ["nm", "--undefined-only", "--format=posix", archive],
        capture_output=True, text=True, check=True,
    ).stdout
    names = (line.split(" ")[0].split("@")[0] for line in listing.splitlines() if " U" in line)
    return sorted({name for name in names if OUTWARD.match(name)})


def main():
    canary, archives = sys.argv[1], sys.argv[2:]
    if not calls(canary):
        print(f"{canary}: no outward call is seen where there are some: the check is blind")
        return 1
    found = {archive: calls(archive) for archive in archives}
    for archive, names in found.items():
        for name in names:
            print(f"{archive}: calls {name}; effects belong to a consumer of facts, not to a fold")
    print(f"archives={len(archives)} outward_calls={sum(map(len, found.values()))}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
