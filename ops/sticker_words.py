#!/usr/bin/env python3
"""Words as outlines, for api/templates/sticker.svg: a print shop needs no font for them.

    pip install fonttools uharfbuzz
    ops/sticker_words.py FONT.ttf HEIGHT_MM "words"

prints the width in millimetres and the path, whose first letter begins at 0 and whose baseline is at 0.
"""
import sys

import uharfbuzz
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont


def main():
    path, height, words = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    with open(path, "rb") as file:
        font = uharfbuzz.Font(uharfbuzz.Face(file.read()))
    buffer = uharfbuzz.Buffer()
    buffer.add_str(words)
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    outlines = TTFont(path)
    glyphs, names = outlines.getGlyphSet(), outlines.getGlyphOrder()
    scale = height / outlines["head"].unitsPerEm
    pen = SVGPathPen(glyphs, ntos=short)
    x = 0
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions):
        at = (scale, 0, 0, -scale, (x + position.x_offset) * scale, -position.y_offset * scale)
        glyphs[names[info.codepoint]].draw(TransformPen(pen, at))
        x += position.x_advance
    print(f"{x * scale:.2f}")
    print(pen.getCommands())


def short(number):
    """Two decimals, without zeros that say nothing."""
    return f"{number:.2f}".rstrip("0").rstrip(".").replace("-0.", "-.").lstrip("0") or "0"


main()
