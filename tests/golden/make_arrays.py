"""make_arrays.py: data sets as NumPy writes them, for tests/unit/test_arrays.c: five training and three test pictures of
4 x 6, three channels. Value i of the training pictures (in N, H, W, C order) is (1 + 7 i) % 256, of the test pictures
(100 + 7 i) % 256; labels are (2 + i) % 3 and i % 3."""
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent / "arrays"


def pictures(count, first):
    return ((first + 7 * np.arange(count * 4 * 6 * 3)) % 256).astype(np.uint8).reshape(count, 4, 6, 3)


def labels(count, first, dtype, shape):
    return ((first + np.arange(count)) % 3).astype(dtype).reshape(shape)


def named(kind, x, y, x_test, y_test):
    names = {"keras": ("x_train", "y_train", "x_test", "y_test"),
             "medmnist": ("train_images", "train_labels", "test_images", "test_labels")}[kind]
    return dict(zip(names, (x, y, x_test, y_test)))


x, x_test = pictures(5, 1), pictures(3, 100)
np.savez(OUT / "stored.npz", **named("keras", x, labels(5, 2, "<i8", -1), x_test, labels(3, 0, "<i8", -1)))
np.savez_compressed(OUT / "deflated.npz",
                    **named("medmnist", x, labels(5, 2, "u1", (-1, 1)), x_test, labels(3, 0, "u1", (-1, 1))))
# As PyTorch lays pictures out, labels big-endian; sides of 6 x 4 channels could be either, so 3 tells.
planes = {"x": np.ascontiguousarray(x.transpose(0, 3, 1, 2)), "x_test": np.ascontiguousarray(x_test.transpose(0, 3, 1, 2))}
np.savez(OUT / "planes.npz", **named("keras", planes["x"], labels(5, 2, ">i2", -1), planes["x_test"], labels(3, 0, ">i2", -1)))
np.savez(OUT / "fortran.npz", **named("keras", np.asfortranarray(x), labels(5, 2, "<i8", -1), x_test, labels(3, 0, "<i8", -1)))
np.savez(OUT / "floats.npz", **named("keras", x / np.float32(255), labels(5, 2, "<i8", -1), x_test, labels(3, 0, "<i8", -1)))
