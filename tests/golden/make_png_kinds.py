#!/usr/bin/env python3
"""Writes unit/png_kinds.inc, a PNG of two pixels of every kind, made by Pillow, for unit/test_image.c; and a picture of a
circle for e2e/test_visualize.sh."""
import io
import os
import struct
import zlib

from PIL import Image, ImageDraw, ImageOps


def save(image, **options):
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def of(mode, pixels):
    image = Image.new(mode, (2, 1))
    image.putdata(pixels)
    return image


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def turned(image, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(image, exif=exif)
    assert list(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB").getdata()) == COLORS[::-1]
    return data


def rgb16(values):
    """Pillow writes no RGB of 16 bits."""
    rows = b"\0" + b"".join(struct.pack(">H", value) for value in values)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


COLORS = [(255, 0, 0), (0, 128, 255)]
palette = of("RGB", COLORS).quantize(2)
KINDS = [
    ("RGB", save(of("RGB", COLORS)), [255, 0, 0, 0, 128, 255]),
    ("grey", save(of("L", [0, 200])), [0, 0, 0, 200, 200, 200]),
    ("palette", save(palette), [255, 0, 0, 0, 128, 255]),
    ("black and white", save(of("1", [0, 255])), [0, 0, 0, 255, 255, 255]),
    ("RGB of 16 bits", rgb16([65535, 0, 0, 0, 128 * 257, 65535]), [255, 0, 0, 0, 128, 255]),
    ("grey with alpha", save(of("LA", [(0, 0), (200, 255)])), [255, 255, 255, 200, 200, 200]),
    ("RGB with alpha", save(of("RGBA", [(255, 0, 0, 0), (0, 128, 255, 255)])), [255, 255, 255, 0, 128, 255]),
    ("RGB, mirrored by Exif", turned(of("RGB", COLORS), 2), [0, 128, 255, 255, 0, 0]),
    ("RGB, upside down by Exif", turned(of("RGB", COLORS), 3), [0, 128, 255, 255, 0, 0]),
]

path = os.path.join(os.path.dirname(__file__), "..", "unit", "png_kinds.inc")
with open(path, "w") as file:
    for what, data, pixels in KINDS:
        numbers = ", ".join("0x%02x" % byte for byte in data)
        file.write('{"%s", %d, {%s}, {%s}},\n' % (what, len(data), numbers, ", ".join(map(str, pixels))))

circle = Image.new("RGB", (32, 32), (40, 60, 120))
ImageDraw.Draw(circle).ellipse((8, 6, 24, 22), fill=(230, 180, 60))
circle.save(os.path.join(os.path.dirname(__file__), "..", "e2e", "picture.png"))
