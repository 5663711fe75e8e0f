#!/usr/bin/env python3
"""Writes jpeg/*.jpg by Pillow, for unit/test_picture.c: four quarters (red, green, blue, yellow; of grey 40, 100, 160,
220) of a picture that is to be seen 48 wide and 32 high, in every colour space and with every Exif orientation."""
import os

from PIL import Image

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "jpeg")
COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
GREYS = [40, 100, 160, 220]


def quarters(mode, values):
    picture = Image.new(mode, (48, 32))
    for i, value in enumerate(values):
        picture.paste(value, (i % 2 * 24, i // 2 * 16, i % 2 * 24 + 24, i // 2 * 16 + 16))
    return picture


def save(picture, name, **options):
    picture.save(os.path.join(HERE, name + ".jpg"), "JPEG", quality=90, subsampling=0, **options)


# What was done to the picture that has to be undone as the orientation says.
STORED = {
    1: None,
    2: Image.FLIP_LEFT_RIGHT,
    3: Image.ROTATE_180,
    4: Image.FLIP_TOP_BOTTOM,
    5: Image.TRANSPOSE,
    6: Image.ROTATE_90,
    7: Image.TRANSVERSE,
    8: Image.ROTATE_270,
}

os.makedirs(HERE, exist_ok=True)
color = quarters("RGB", COLORS)
for orientation, method in STORED.items():
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(color.transpose(method) if method is not None else color, "orientation%d" % orientation, exif=exif)
save(quarters("L", GREYS), "grey")
save(color.convert("CMYK"), "cmyk")
save(color, "progressive", progressive=True)
