"""Reference values of augmentation, made with NumPy and Pillow.

usage: augment.py warp  IN OUT HEIGHT WIDTH CHANNELS XX XY X0 YX YY Y0 [DX DY]
       augment.py jpeg  IN OUT HEIGHT WIDTH CHANNELS QUALITY
IN, OUT, DX and DY are raw float32 arrays.
"""

import io
import sys

import numpy as np


def warp(image, numbers, displacement):
    height, width, _ = image.shape
    xx, xy, x0, yx, yy, y0 = numbers
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    x, y = x - middle_x, y - middle_y
    at_x = np.clip(xx * x + xy * y + x0 + displacement[0] + middle_x, 0, width - 1)
    at_y = np.clip(yx * x + yy * y + y0 + displacement[1] + middle_y, 0, height - 1)
    left, top = np.floor(at_x).astype(int), np.floor(at_y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = (at_x - left)[..., None], (at_y - top)[..., None]
    upper = (1 - fx) * image[top, left] + fx * image[top, right]
    lower = (1 - fx) * image[bottom, left] + fx * image[bottom, right]
    return (1 - fy) * upper + fy * lower


def jpeg(image, quality):
    from PIL import Image

    grey = image.shape[2] == 1
    pixels = np.floor(image * 255 + 0.5).astype(np.uint8)
    file = io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if grey else pixels)
    picture.save(file, "JPEG", quality=quality, **({} if grey else {"subsampling": 0}))
    return np.asarray(Image.open(file), np.float64).reshape(image.shape) / 255


def main():
    task, source, out = sys.argv[1:4]
    shape = tuple(int(size) for size in sys.argv[4:7])
    image = np.fromfile(source, np.float32).astype(np.float64).reshape(shape)
    if task == "warp":
        fields = [np.fromfile(name, np.float32).astype(np.float64).reshape(shape[:2]) for name in sys.argv[13:15]]
        result = warp(image, [float(word) for word in sys.argv[7:13]], fields or [0, 0])
    else:
        result = jpeg(image, int(sys.argv[7]))
    result.astype(np.float32).tofile(out)


if __name__ == "__main__":
    main()
