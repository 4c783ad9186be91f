"""Photographs changed as other people, other light and worse cutting out would change them. What rendered hands
teach is nearly saturated on the few hands that may be looked at; on these pictures it is not.
"""

import numpy as np
from PIL import Image, ImageFilter

SIDE = 28
DOWN, ACROSS = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)


def warp(image, a, b, c, d):
    """(x, y) of the answer shows a x + b y, c x + d y of the image; both are measured from the middle."""
    m = SIDE / 2
    return image.transform(image.size, Image.AFFINE, (a, b, m * (1 - a - b), c, d, m * (1 - c - d)), Image.BILINEAR)


def thicken(image, third_pixels):
    """Bright parts grow (or shrink, if negative) by thirds of a pixel."""
    size = 2 * abs(third_pixels) + 1
    grown = ImageFilter.MaxFilter(size) if third_pixels > 0 else ImageFilter.MinFilter(size)
    return image.resize((3 * SIDE, 3 * SIDE), Image.BICUBIC).filter(grown).resize((SIDE, SIDE), Image.BOX)


def values(change):
    return lambda image: Image.fromarray(np.clip(change(np.asarray(image, "f4")), 0, 255).round().astype("u1"))


def ramp(toward):  # the light falls off across the frame
    return values(lambda a: a * (0.15 + toward))


def half_dark(side):
    return values(lambda a: a * (0.12 + 0.88 / (1 + np.exp(14 * side * (ACROSS - 0.5)))))


def leave_wall(image):
    """A grey seam around the hand and in its gaps."""
    a = np.asarray(image)
    hand = Image.fromarray(np.where(a > 20, 255, 0).astype("u1"))
    around = np.asarray(hand.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.MinFilter(3)))
    return Image.fromarray(np.where((around > 0) & (a <= 40), 70, a).astype("u1"))


def several(image, rng):
    across, along = np.exp(rng.uniform(-0.14, 0.14, 2))
    image = warp(image, 1 / across, rng.uniform(-0.12, 0.12), 0, 1 / along)
    third = int(rng.integers(-1, 2))
    image = thicken(image, third) if third else image
    angle, share, gamma = rng.uniform(0, 2 * np.pi), rng.uniform(), np.exp(rng.uniform(-0.6, 0.6))
    toward = 0.5 + (ACROSS - 0.5) * np.cos(angle) + (DOWN - 0.5) * np.sin(angle)
    light = 1 - share * (0.85 - 1.1 * toward)
    return values(lambda a: 255 * np.clip(a / 255 * light, 0, 1) ** gamma)(image)


def stressed(images):
    """(name, changed images [N, 28, 28]) of cut-out hands, the same on every call."""
    noise, draws = np.random.default_rng(7), np.random.default_rng(5)
    changes = {
        "wider": lambda i: warp(i, 1 / 1.15, 0, 0, 1), "narrower": lambda i: warp(i, 1.15, 0, 0, 1),
        "taller": lambda i: warp(i, 1, 0, 0, 1 / 1.1), "flatter": lambda i: warp(i, 1, 0, 0, 1.15),
        "skew": lambda i: warp(i, 1, 0.2, 0, 1), "smaller": lambda i: warp(i, 1.2, 0, 0, 1.2),
        "larger": lambda i: warp(i, 1 / 1.12, 0, 0, 1 / 1.12),
        "thin": lambda i: thicken(i, -1), "thick": lambda i: thicken(i, 1),
        "gamma 0.5": values(lambda a: 255 * (a / 255) ** 0.5), "gamma 2": values(lambda a: 255 * (a / 255) ** 2),
        "lit from left": ramp(1 - ACROSS), "lit from right": ramp(ACROSS),
        "lit from above": ramp(1 - DOWN), "lit from below": ramp(DOWN),
        "right half dark": half_dark(1), "left half dark": half_dark(-1),
        "dim": values(lambda a: a * 0.45), "bright": values(lambda a: a * 1.8),
        "blur": lambda i: i.filter(ImageFilter.GaussianBlur(0.8)),
        "noise": values(lambda a: a + noise.normal(0, 16, a.shape)), "wall left": leave_wall,
        "several, first": lambda i: several(i, draws), "several, second": lambda i: several(i, draws),
        "several, third": lambda i: several(i, draws),
    }
    for name, change in changes.items():
        yield name, np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


def otsu(x):
    """The threshold that parts values best into two groups."""
    count, edge = np.histogram(x, 64)
    middle = (edge[1:] + edge[:-1]) / 2
    below, mass = np.cumsum(count)[:-1], np.cumsum(count * middle)[:-1]
    total, all_mass = count.sum(), (count * middle).sum()
    return middle[np.argmax((all_mass * below / total - mass) ** 2 / np.maximum(below * (total - below), 1))]


def cut_out(picture):
    """A hand before a wall, cut out by its colour and laid on black: what people nobody has photographed on black
    look like. `picture` is a colour image of 100 x 100 pixels."""
    _, blue, red = np.moveaxis(np.asarray(picture.convert("YCbCr"), "f4"), 2, 0)
    skin = red - blue / 2
    mask = Image.fromarray(np.where(skin > otsu(skin), 255, 0).astype("u1")).filter(ImageFilter.MedianFilter(5))
    hand = np.where(np.asarray(mask) > 0, np.asarray(picture.convert("L"), "f4"), 0)
    hand[max(1, np.flatnonzero(hand.any(axis=1)).max() - 6):] = 0  # the arm ends in a straight line
    rows, columns = np.flatnonzero(hand.any(axis=1)), np.flatnonzero(hand.any(axis=0))
    hand = hand[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    side = int(1.06 * max(hand.shape))
    square = np.zeros((side, side), "f4")
    top, left = (side - hand.shape[0]) // 2, (side - hand.shape[1]) // 2
    square[top:top + hand.shape[0], left:left + hand.shape[1]] = hand
    square = np.clip(square * (122 / square[square > 0].mean()), 0, 255).astype("u1")
    return np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.BOX))


def turned(images, degrees):
    return np.stack([np.asarray(Image.fromarray(image).rotate(degrees, Image.BILINEAR)) for image in images])
