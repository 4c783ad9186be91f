"""A video for Chromium's fake camera, of rendered hands, so that what it shows is known.

usage: camera_video.py OUT.y4m PICTURE... [--size 640x480] [--frames 6] [--rate 20]

Every picture stands in the middle of the frame, its edges drawn out to the sides, and moves a little for some
frames: a hand is never still. Chromium plays the file again and again:
    chromium --use-fake-ui-for-media-stream --use-fake-device-for-media-stream --use-file-for-fake-video-capture=OUT.y4m
It opens the file when a page starts the camera, so a file that was replaced is seen after the next start.
"""

import argparse

import numpy as np
from PIL import Image

# Shifts in pixels and turns in degrees, of a hand held up for a moment.
MOTION = [(0, 0, 0), (3, -2, 1), (6, -3, 2), (4, 1, 1), (-2, 3, -1), (-5, 1, -2)]


def frame(picture, width, height, shift=(0, 0), turn=0.0):
    """The picture as high as the frame, its outermost columns continued to the left and right edge."""
    side = height * picture.width // picture.height
    hand = np.asarray(picture.convert("RGB").resize((side, height), Image.Resampling.BILINEAR))
    across = np.clip(np.arange(width) - (width - side) // 2, 0, side - 1)
    wide = Image.fromarray(np.ascontiguousarray(hand[:, across]))
    margin = 24  # what is turned or shifted in from outside is a copy of the edge
    padded = Image.fromarray(np.pad(np.asarray(wide), ((margin, margin), (margin, margin), (0, 0)), "edge"))
    moved = padded.rotate(turn, Image.Resampling.BILINEAR, translate=shift)
    return np.asarray(moved.crop((margin, margin, margin + width, margin + height)))


def yuv420(rgb):
    """Bytes of the planes Y, U, V: BT.601 in its studio range, which a y4m without a note means; chroma is the mean of four pixels."""
    r, g, b = np.moveaxis(rgb.astype(np.float32) / 255, 2, 0)
    y = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    u = 128 - 37.797 * r - 74.203 * g + 112.0 * b
    v = 128 + 112.0 * r - 93.786 * g - 18.214 * b
    quarter = [plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean((1, 3)) for plane in (u, v)]
    return b"".join(np.clip(np.rint(plane), 0, 255).astype(np.uint8).tobytes() for plane in (y, *quarter))


def write_video(out, pictures, size=(640, 480), frames=6, rate=20):
    width, height = size
    assert width % 2 == 0 and height % 2 == 0
    with open(out, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420\n".encode())
        for picture in pictures:
            with Image.open(picture) as image:
                image.load()
            for at in range(frames):
                x, y, turn = MOTION[at % len(MOTION)]
                file.write(b"FRAME\n" + yuv420(frame(image, width, height, (x, y), turn)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--frames", type=int, default=6, help="of each picture")
    parser.add_argument("--rate", type=int, default=20, help="frames a second")
    options = parser.parse_args()
    write_video(options.out, options.pictures, tuple(map(int, options.size.split("x"))), options.frames, options.rate)


if __name__ == "__main__":
    main()
