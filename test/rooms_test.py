#!/usr/bin/env python3
"""Holds the rooms of src/ to their rules (ARCHITECTURE.md), and shows on small trees that each rule bites."""
import re
import tempfile
import unittest
from pathlib import Path

SOURCE_TREE = Path(__file__).resolve().parent.parent / "src"
MOST_LINES = 800
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
ROOM = re.compile(r"loom_room\(\s*(\w+)([^)]*)\)")


def room_uses(src):
    """Room -> the set of rooms its CMakeLists.txt names after USES."""
    uses = {}
    for listing in sorted(src.glob("*/CMakeLists.txt")):
        found = ROOM.search(listing.read_text())
        if found:
            words = found[2].replace("USES", " USES ").replace("LINKS", " LINKS ").split()
            after = words[words.index("USES") + 1:] if "USES" in words else []
            uses[found[1]] = set(after[:after.index("LINKS")] if "LINKS" in after else after)
    return uses


def use_faults(uses):
    """Rooms that are used and not there, and circles."""
    faults = [f"src/{room}/CMakeLists.txt: USES {used}, which is no room"
              for room, all_used in uses.items() for used in sorted(all_used - uses.keys())]
    left = {room: used & uses.keys() for room, used in uses.items()}
    while leaves := [room for room, used in left.items() if not used & left.keys()]:
        for room in leaves:
            del left[room]
    if left:
        faults.append(f"rooms use each other in a circle: {', '.join(sorted(left))}")
    return faults


def include_fault(room, file, included, uses):
    """What is wrong with `#include "included"` in a file of `room`, or None."""
    parts = Path(included).parts
    target = parts[0]
    is_test = file.name.endswith("_test.cpp")
    if len(parts) < 2 or target not in uses:
        return f'"{included}": write it as "room/file.hpp"'
    if target == room:
        return None
    if target == "testkit" and not is_test:
        return f'"{included}": only tests may include testkit'
    allowed = uses[room] | ({"testkit"} | uses.get("testkit", set()) if is_test else set())
    if target not in allowed:
        return f'"{included}": room {room} does not use {target}'
    if len(parts) > 2 and room != "app" and not is_test:
        return f'"{included}": a folder inside a room is private to the room and to app'
    return None


def faults(src):
    """Every broken rule under `src`, one line each."""
    uses = room_uses(src)
    found = use_faults(uses)
    for file in sorted(path for path in src.rglob("*") if path.suffix in (".cpp", ".hpp")):
        place, room = f"src/{file.relative_to(src)}", file.relative_to(src).parts[0]
        if room not in uses:
            found.append(f"{place}: not in a room (src/{room}/CMakeLists.txt has no loom_room)")
            continue
        lines = file.read_text().splitlines()
        if len(lines) > MOST_LINES:
            found.append(f"{place}: {len(lines)} lines; split what is over {MOST_LINES}")
        for number, line in enumerate(lines, 1):
            if match := INCLUDE.match(line):
                if fault := include_fault(room, file, match[1], uses):
                    found.append(f"{place}:{number}: {fault}")
    return found


class Rooms(unittest.TestCase):
    def test_this_tree_keeps_the_rules(self):
        self.assertIn("base", room_uses(SOURCE_TREE))
        self.assertEqual("\n".join(faults(SOURCE_TREE)), "")

    def tree(self, **files):
        """The faults of a tree with the rooms base, sequence (uses base), testkit and app, and the files given."""
        with tempfile.TemporaryDirectory() as folder:
            src = Path(folder)
            for room, rest in {"base": "", "sequence": "USES base\n  LINKS ZLIB::ZLIB", "testkit": "USES base",
                               "app": "USES base sequence"}.items():
                (src / room).mkdir()
                (src / room / "CMakeLists.txt").write_text(f"loom_room({room} {rest})\n")
            for name, text in files.items():
                path = src / name.replace("__", "/").replace("_hpp", ".hpp").replace("_cpp", ".cpp")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return faults(src)

    def test_allowed_includes_pass(self):
        self.assertEqual(self.tree(sequence__a_cpp='#include <x>\n#include "base/b.hpp"\n#include "sequence/a.hpp"\n',
                                   sequence__a_test_cpp='#include "testkit/t.hpp"\n',
                                   app__main_cpp='#include "sequence/files/f.hpp"\n'), [])

    def test_include_against_the_direction(self):
        self.assertEqual(self.tree(base__b_hpp='\n#include "sequence/a.hpp"\n'),
                         ['src/base/b.hpp:2: "sequence/a.hpp": room base does not use sequence'])

    def test_include_of_testkit_outside_tests(self):
        self.assertEqual(self.tree(app__a_cpp='#include "testkit/t.hpp"\n'),
                         ['src/app/a.cpp:1: "testkit/t.hpp": only tests may include testkit'])

    def test_include_without_room(self):
        self.assertEqual(self.tree(base__b_cpp='#include "b.hpp"\n'),
                         ['src/base/b.cpp:1: "b.hpp": write it as "room/file.hpp"'])

    def test_include_of_a_private_folder(self):
        self.assertEqual(self.tree(sequence__a_cpp='#include "base/inner/b.hpp"\n'),
                         ['src/sequence/a.cpp:1: "base/inner/b.hpp": a folder inside a room is private to the room '
                          'and to app'])

    def test_file_too_long(self):
        self.assertEqual(self.tree(base__b_cpp="\n" * 801), ["src/base/b.cpp: 801 lines; split what is over 800"])

    def test_file_outside_rooms(self):
        self.assertEqual(self.tree(stray__b_cpp=""),
                         ["src/stray/b.cpp: not in a room (src/stray/CMakeLists.txt has no loom_room)"])

    def test_circle_and_unknown_room(self):
        self.assertEqual(use_faults({"a": {"b"}, "b": {"a"}, "c": {"d"}}),
                         ["src/c/CMakeLists.txt: USES d, which is no room", "rooms use each other in a circle: a, b"])


if __name__ == "__main__":
    unittest.main()
