#!/usr/bin/env python3
"""Reads every #include of the tree against the layer table and says what to do about each breach.

    tests/tidy/check_layers.py [ROOT]

Exit 0: all arrows point down, each library is named only in its folder, folds stay pure, and no
provider's name stands in code outside the places made for it. Exit 1: one line per breach.
"""

import os
import re
import sys
from pathlib import Path

# Folder -> folders it may include from, besides itself. The longest matching folder decides, for
# both ends of an arrow. A folder allowed here stands for its sub-folders only where these have no
# row of their own.
LAYERS = {
    "bus": set(),
    "bus/crypto": {"bus"},
    "bus/http": {"bus"},
    "bus/tls": {"bus"},
    "bus/net": {"bus", "bus/http"},
    "bus/memory": {"bus", "bus/crypto"},
    "bus/embedded": {"bus", "bus/crypto"},
    "bus/kafka": {"bus", "bus/crypto"},
    "bus/spool": {"bus", "bus/embedded"},
    "schemas/json": {"bus"},
    "schemas/yaml": {"bus"},
    "schemas/time": {"bus"},
    "schemas": {"bus", "bus/crypto", "schemas/json", "schemas/yaml", "schemas/time"},
    "schemas/mail": {"bus", "bus/crypto", "schemas", "schemas/json"},
    "schemas/import_formats": {"bus", "schemas/json"},
    "schemas/providers": {"bus", "schemas", "schemas/json", "schemas/yaml"},
    "producers": {"bus", "bus/crypto", "bus/http", "schemas", "schemas/json", "schemas/time"},
    "producers/commands": {"bus", "bus/crypto", "bus/http", "schemas", "schemas/json",
                           "schemas/time", "producers"},
    "producers/import": {"bus", "bus/crypto", "bus/http", "schemas", "schemas/json", "producers"},
    "producers/edge": {"bus", "bus/http", "bus/tls", "schemas", "producers"},
    "projections": {"bus", "bus/crypto", "schemas", "schemas/json", "schemas/yaml", "schemas/time"},
    "projections/store": {"bus"},
    "projections/api": {"bus", "bus/crypto", "bus/http", "bus/tls", "schemas", "schemas/json",
                        "schemas/mail", "schemas/time", "projections", "projections/store"},
    "consumers": {"bus", "schemas", "projections", "projections/store"},
    "tools": None,  # the one place where parts are joined
    "tests": None,
}

# Start of an angle include -> the library and the folders that may name it.
LIBRARIES = {
    "librdkafka/": ("librdkafka", ["bus/kafka"]),
    "rocksdb/": ("RocksDB", ["projections/store"]),
    "Poco/": ("Poco", ["projections/api", "tools/bench"]),  # tools/bench: its hello is the yardstick
    "simdjson": ("simdjson", ["schemas/json"]),
    "yaml-cpp/": ("yaml-cpp", ["schemas/yaml"]),
    "date/": ("date", ["schemas/time"]),
    "gmime/": ("GMime", ["schemas/mail"]),
    "glib": ("GLib", ["schemas/mail"]),
    "boost/": ("Boost", ["producers/edge"]),
    "openssl/": ("OpenSSL", ["bus/crypto", "bus/tls"]),
    "curl/": ("libcurl", ["bus/net"]),
    "CLI/": ("CLI11", ["tools"]),
    "doctest/": ("doctest", ["tests"]),
}
LIBRARIES_FREE_IN = ["tests"]  # oracles and doubles may speak to a library directly

# A fold knows no clock, file, broker, log or thread.
PURE = "projections"
IMPURE_INCLUDES = {
    "bus/clock.hpp", "bus/log.hpp", "fstream", "filesystem", "thread", "mutex", "random",
    "condition_variable", "ctime", "unistd.h", "fcntl.h",
}

# Exceptions, each with its reason.
IMPURE_BUT_RIGHT = {
    ("projections/batch.cpp", "random"),  # seeds the overlay's hash; no row ever shows it
}

PROVIDER_NAMES = re.compile(
    r"stripe|chargebee|interakt|netcore|meta_?cloud|kaleyra|exotel", re.IGNORECASE)
PROVIDER_NAMES_FREE_IN = ["schemas/providers", "tools/demo", "tools/bench", "tests"]

# A secret, or what proves one, beside an operator that stops at the first byte that differs.
SECRETS = r"(?:secret|hash|mac|signature|token|password|admin_key|presented|credentials?)"
EARLY_COMPARISON = re.compile(
    rf"(?:\b(?:[a-z_]+(?:\.|->))*(?:[a-z]+_)*{SECRETS}(?:\.value)?_? *[!=]= )"
    rf"|(?: [!=]= (?:[a-z_]+(?:\.|->))*(?:[a-z]+_)*{SECRETS}(?:\.value)?_?[ ;)&|])"
    r"|memcmp|strcmp")
COMPARES_SECRETS = ["producers", "bus/crypto"]
EARLY_BUT_RIGHT = {
    "producers/commands/control_writer.cpp",  # the hash of the sender's own request, no proof
    "bus/crypto/digest.cpp",                  # the one function, over OpenSSL's
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SKIPPED_FOLDERS = {"build", "data", "cache"}


def inside(folder, parents):
    return any(folder == parent or folder.startswith(parent + "/") for parent in parents)


def layer_of(folder):
    """The row of the table that a folder belongs to, or None."""
    while folder:
        if folder in LAYERS:
            return folder
        folder = os.path.dirname(folder)
    return None


def sources(root):
    for folder, children, files in os.walk(root):
        children[:] = sorted(child for child in children
                             if child not in SKIPPED_FOLDERS and not child.startswith((".", "build")))
        for name in sorted(files):
            if name.endswith((".hpp", ".cpp")):
                yield (Path(folder) / name).relative_to(root).as_posix()


def check_project_include(folder, included, root):
    if not (root / included).is_file() and not included.endswith(".hpp"):
        return f'"{included}" is no header of this tree; use <> for a library'
    if not (root / included).is_file():
        return f'"{included}" does not exist; write the path from the repository root'
    source, target = layer_of(folder), layer_of(os.path.dirname(included))
    if target is None:
        return f'"{included}" lies in no layer; add its folder to LAYERS in this script'
    allowed = LAYERS[source]
    if allowed is None or target == source or target in allowed:
        return None
    above = LAYERS[target] is None or source in LAYERS[target]
    remedy = ("move what both need into a lower layer, or pass it in through a port"
              if above else "pass a plain value in, or let tools/ join the two")
    return f'{source} may not include from {target} ("{included}"); {remedy}'


def check_library_include(folder, included):
    for start, (library, homes) in LIBRARIES.items():
        if included.startswith(start) and not inside(folder, homes + LIBRARIES_FREE_IN):
            return (f"{library} is named outside {' and '.join(homes)} (<{included}>); "
                    f"hide it behind a function in {homes[0]}")
    return None


def check_purity(path, included):
    if (path, included) in IMPURE_BUT_RIGHT:
        return None
    if layer_of(os.path.dirname(path)) == PURE and included in IMPURE_INCLUDES:
        return (f"a fold knows no clock, file, log or thread ({included}); "
                "let the event carry the value, or move this to consumers/ or projections/store")
    return None


def check_text(path, folder, line):
    if "rd_kafka_" in line and not inside(folder, ["bus/kafka", "tests"]):
        return "rd_kafka_ is spelled outside bus/kafka; call bus::Log instead"
    early = EARLY_COMPARISON.search(line.split("//")[0])
    if early and inside(folder, COMPARES_SECRETS) and path not in EARLY_BUT_RIGHT:
        return (f"'{early.group().strip()}' may compare a secret and tells by its time where it "
                "differs; call bus::crypto::equal_constant_time")
    name = PROVIDER_NAMES.search(line)
    if name and not inside(folder, PROVIDER_NAMES_FREE_IN):
        return (f"provider name '{name.group()}' outside {', '.join(PROVIDER_NAMES_FREE_IN)}; "
                "say it in the provider's YAML file, or use a neutral example")
    return None


def breaches(root, path):
    folder = os.path.dirname(path)
    if layer_of(folder) is None:
        yield 1, f"folder {folder or '.'} is in no layer; add it to LAYERS in this script"
        return
    text = (root / path).read_text(encoding="utf-8")
    if path.endswith(".hpp") and "#pragma once" not in text:
        yield 1, "a header needs #pragma once"
    for number, line in enumerate(text.splitlines(), start=1):
        found = [check_text(path, folder, line)]
        include = INCLUDE.match(line)
        if include:
            angle, included = include.group(1) == "<", include.group(2)
            found.append(check_library_include(folder, included) if angle
                         else check_project_include(folder, included, root))
            found.append(check_purity(path, included))
        yield from ((number, message) for message in found if message)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    checked = failed = 0
    for path in sources(root):
        checked += 1
        for number, message in breaches(root, path):
            failed += 1
            print(f"{path}:{number}: {message}")
    print(f"checked={checked} breaches={failed}")
    if not checked:
        print(f"no sources under {root}: give the checkout's root as the argument")
    return 1 if failed or not checked else 0


sys.exit(main())
