#!/usr/bin/env python3
"""Writes the C++ source that puts the files of a built page into the program. Usage: embed.py DIST SOURCE"""
import sys
from pathlib import Path

dist, source = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
files = sorted(path for path in dist.rglob("*") if path.is_file() and path.name != "manifest.json")
out = ['#include "api/page.hpp"', "", "#include <array>", ""]
for number, path in enumerate(files):
    name = f"loom_page_{number}"
    out += [f'asm(".section .rodata\\n.global {name}\\n.global {name}_end\\n.hidden {name}\\n.hidden {name}_end\\n"',
            f'    "{name}:\\n.incbin \\"{path}\\"\\n{name}_end:\\n.byte 0\\n.text\\n");',
            f'extern "C" {{ extern const char {name}[]; extern const char {name}_end[]; }}']
out += ["", "namespace loom::api {", "", "std::span<const PageFile> page_files() {",
        f"  static const std::array<PageFile, {len(files)}> kFiles{{{{"]
for number, path in enumerate(files):
    name = f"loom_page_{number}"
    out.append(f'      {{"/{path.relative_to(dist)}", {{{name}, static_cast<std::size_t>({name}_end - {name})}}}},')
out += ["  }};", "  return kFiles;", "}", "", "}  // namespace loom::api", ""]
source.write_text("\n".join(out))
