"""Every layer, loss and network in PyTorch, float64: the outside reference for values and gradients.

usage: torch_layers.py layers|losses|heads OUT
       torch_layers.py networks FOLDER...

`layers` writes OUT/cases.txt, one line `NUMBER;ITEM;SIZES` a case, and for each NUMBER raw arrays in the order of files
(channels first): x, dy, y, dx; each parameter (weight, bias) and its gradient (dweight, dbias); for running statistics
running_mean, running_var, the same with _after for one training step, and infer, what the layer answers with the former.
`losses` writes OUT/cases.txt, one line `NUMBER;CLASSES;SMOOTHING;ROWS`, and logits, labels (i32), loss, dlogits.
`heads` writes OUT/cases.txt, one line `NUMBER;HEADS;SMOOTHING;ROWS;PLACES`, and outputs [ROWS, PLACES, channels], targets
[ROWS, PLACES, values] as Mudra lays them out, weights [ROWS], loss, doutputs.
`networks` reads every FOLDER/items.txt: first a line `C H W CLASSES BATCH STEPS RATE`, then the items of a network, one a line,
and writes x [STEPS, BATCH, C, H, W], labels (i32) [STEPS, BATCH], the parameters it began with, PLACE.NAME, those after
STEPS steps of SGD, PLACE.NAME_after, the losses of the steps, and answers, the logits of x's first batch after them.
Arrays are NUMBER.NAME.f64 (.i32), or NAME.f64 for a network. version.txt names the library.
"""

import pathlib
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(5)
torch.set_num_threads(1)

ACTIVATIONS = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "leaky-relu": lambda x: F.leaky_relu(x, 0.01),
    "gelu": F.gelu, "silu": F.silu, "hard-swish": F.hardswish,
}

# Items as a person writes them, with an input [N, C, H, W] or [N, features]; sizes all differ.
LAYERS = [
    ("dense 2", (4, 3)), ("dense 19", (11, 5)), ("dense 33", (2, 37)),
    ("conv 3 3x3", (3, 1, 5, 4)), ("conv 17 3x2 pad 0", (2, 2, 4, 5)), ("conv 4 2x3 stride 2 pad 0", (9, 3, 5, 6)),
    ("conv 2 1x1", (2, 5, 3, 2)), ("conv 5 5x5 stride 3 pad 2", (10, 3, 8, 7)), ("conv 33 3x3 stride 2", (2, 18, 7, 6)),
    ("conv 4 3x2 stride 2 pad 0 groups 2", (3, 6, 5, 4)), ("conv 40 3x3 groups 2", (9, 6, 4, 5)),
    ("conv 6 3x3 groups 3", (10, 3, 5, 4)), ("conv 3 3x3 groups 3", (9, 3, 4, 6)), ("conv 1 3x3 groups 1", (2, 1, 4, 5)),
    ("conv 18 2x5 stride 2 pad 0 groups 18", (2, 18, 5, 6)), ("conv 37 5x5 stride 3 pad 2 groups 37", (10, 37, 8, 7)),
    ("pool 2", (3, 5, 4, 6)), ("pool 3x2 stride 1", (2, 3, 5, 4)), ("pool 3 stride 2", (2, 19, 7, 6)),
    ("average-pool 2", (3, 5, 4, 6)), ("average-pool 3x2 stride 2", (2, 3, 5, 4)),
    ("global-pool", (4, 3, 5, 2)), ("global-pool", (2, 37, 3, 4)),
    ("batch-norm", (11, 5)), ("batch-norm", (4, 3, 5, 2)), ("batch-norm", (9, 37, 2, 3)),
    ("layer-norm", (11, 5)), ("layer-norm", (4, 3, 5, 2)), ("layer-norm", (9, 37, 2, 3)),
    ("flatten", (2, 5, 3, 4)),
    *((name, (3, 37)) for name in ACTIVATIONS), *((name, (2, 5, 3, 4)) for name in ACTIVATIONS),
]


def size(word):
    height, _, width = word.partition("x")
    return int(height), int(width or height)


def after(words, name, otherwise):
    return int(words[words.index(name) + 1]) if name in words else otherwise


def layer(item, x):
    """(parameters, running statistics, f(x, parameters, statistics, training)) of an item for inputs like x."""
    kind, *words = item.split()
    channels = x.shape[1]
    make = lambda *shape: torch.randn(*shape).requires_grad_()
    if kind in ACTIVATIONS:
        return {}, {}, lambda x, p, s, training: ACTIVATIONS[kind](x)
    if kind == "dense":
        parameters = {"weight": make(int(words[0]), channels), "bias": make(int(words[0]))}
        return parameters, {}, lambda x, p, s, training: F.linear(x, p["weight"], p["bias"])
    if kind == "conv":
        kernel, groups = size(words[1]), after(words, "groups", 1)
        pads = [after(words, "pad", (k - 1) // 2) for k in kernel]
        parameters = {"weight": make(int(words[0]), channels // groups, *kernel), "bias": make(int(words[0]))}
        return parameters, {}, lambda x, p, s, training: F.conv2d(
            x, p["weight"], p["bias"], stride=after(words, "stride", 1), padding=pads, groups=groups)
    if kind in ("pool", "average-pool"):
        window = size(words[0])
        pool = F.max_pool2d if kind == "pool" else F.avg_pool2d
        return {}, {}, lambda x, p, s, training: pool(x, window, after(words, "stride", window[0]))
    if kind == "global-pool":
        return {}, {}, lambda x, p, s, training: F.adaptive_avg_pool2d(x, 1).flatten(1)
    if kind == "batch-norm":
        state = {"running_mean": torch.randn(channels), "running_var": torch.rand(channels) + 0.5}
        parameters = {"weight": make(channels), "bias": make(channels)}
        return parameters, state, lambda x, p, s, training: F.batch_norm(
            x, s["running_mean"], s["running_var"], p["weight"], p["bias"], training, momentum=0.1, eps=1e-5)
    if kind == "layer-norm":
        parameters = {"weight": make(channels), "bias": make(channels)}
        last = lambda x: x if x.dim() == 2 else x.permute(0, 2, 3, 1)
        first = lambda x: x if x.dim() == 2 else x.permute(0, 3, 1, 2)
        return parameters, {}, lambda x, p, s, training: first(
            F.layer_norm(last(x), (channels,), p["weight"], p["bias"], eps=1e-5))
    if kind == "flatten":
        return {}, {}, lambda x, p, s, training: x.flatten(1)
    raise SystemExit(f"no reference for '{item}'")


def layers(write):
    for number, (item, shape) in enumerate(LAYERS):
        x = (2 * torch.randn(*shape)).requires_grad_()
        parameters, state, f = layer(item, x)
        save = lambda name, value: write(f"{number}.{name}", value)
        for name, value in state.items():
            save(name, value)
        if state:
            save("infer", f(x, parameters, {k: v.clone() for k, v in state.items()}, False))
        y = f(x, parameters, state, True)
        for name, value in state.items():
            save(name + "_after", value)
        dy = torch.randn_like(y)
        y.backward(dy)
        save("x", x), save("y", y), save("dy", dy), save("dx", x.grad)
        for name, value in parameters.items():
            save(name, value), save("d" + name, value.grad)
        yield f"{number};{item};{' '.join(map(str, shape))}"


def losses(write):
    for number, (classes, smoothing, rows) in enumerate([(2, 0, 7), (2, 0.1, 33), (3, 0, 5), (10, 0.2, 33), (26, 0.05, 1)]):
        logits = (4 * torch.randn(rows, 1 if classes == 2 else classes)).requires_grad_()
        labels = torch.randint(0, classes, (rows,))
        if classes == 2:
            targets = labels * (1 - smoothing) + smoothing / 2
            loss = F.binary_cross_entropy_with_logits(logits[:, 0], targets)
        else:
            loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        loss.backward()
        write(f"{number}.logits", logits), write(f"{number}.labels", labels), write(f"{number}.loss", loss)
        write(f"{number}.dlogits", logits.grad)
        yield f"{number};{classes};{smoothing};{rows}"


def heads(write):
    given = [("classes 11, distance 42 weight 0.5", 0.1, 9, 1), ("presence 1, distance 6", 0, 3, 12),
             ("presence 3 weight 2, classes 2, distance 1", 0.2, 5, 4), ("classes 5 weight 0.25", 0, 17, 6)]
    for number, (line, smoothing, rows, places) in enumerate(given):
        listed = [head.split() for head in line.split(",")]
        channels = [int(head[1]) for head in listed]
        outputs = (3 * torch.randn(rows, places, sum(channels))).requires_grad_()
        weights = torch.rand(rows)
        targets, total = [], 0
        for head, z, count in zip(listed, outputs.split(channels, 2), channels):
            weight = torch.rand(rows, places) * (torch.rand(rows, places) < 0.7)
            if head[0] == "classes":
                t = torch.randint(0, count, (rows, places))
                loss = F.cross_entropy(z.permute(0, 2, 1), t, label_smoothing=smoothing, reduction="none")
                t = t[..., None].double()
            elif head[0] == "presence":
                t = torch.rand(rows, places, count)
                loss = F.binary_cross_entropy_with_logits(z, t, reduction="none").mean(2)
            else:
                t = torch.randn(rows, places, count)
                loss = F.smooth_l1_loss(z, t, beta=1.0, reduction="none").mean(2)
            total = total + float(head[3] if len(head) > 2 else 1) * (weights[:, None] * weight * loss).sum()
            targets += [weight[..., None], t]
        total = total / (rows * places)
        total.backward()
        write(f"{number}.outputs", outputs), write(f"{number}.targets", torch.cat(targets, 2))
        write(f"{number}.weights", weights), write(f"{number}.loss", total), write(f"{number}.doutputs", outputs.grad)
        yield f"{number};{line};{smoothing};{rows};{places}"


def network(folder, write):
    head, *items = (folder / "items.txt").read_text().splitlines()
    c, h, w, classes, batch, steps, rate = head.split()
    classes, batch, steps, rate = int(classes), int(batch), int(steps), float(rate)
    x = torch.rand(steps, batch, int(c), int(h), int(w))
    labels = torch.randint(0, classes, (steps, batch))
    built = []

    def run(x, training):
        waiting = []
        for place, item in enumerate(items):
            if item == "fork":
                waiting.append(x)
            elif item == "shortcut":
                waiting[-1], x = x, waiting[-1]
            elif item == "add":
                x = x + waiting.pop()
            else:
                if place == len(built):
                    built.append(layer(item, x))
                    for name, value in built[place][0].items():  # of a size that lets the signal through
                        if value.dim() > 1:
                            value.data *= (2 / value[0].numel()) ** 0.5
                        elif item in ("batch-norm", "layer-norm") and name == "weight":
                            value.data.uniform_(0.5, 1.5)
                        else:
                            value.data *= 0.1
                parameters, state, f = built[place]
                x = f(x, parameters, state, training)
                continue
            if place == len(built):
                built.append(({}, {}, None))
        return x

    run(x[0], False)  # builds, and leaves the running statistics alone
    everything = lambda: ((f"{place}.{name}", value) for place, (parameters, state, _) in enumerate(built)
                          for name, value in {**parameters, **state}.items())
    for name, value in everything():
        write(name, value)
    trained = [value for parameters, _, _ in built for value in parameters.values()]
    found = []
    for step in range(steps):
        logits = run(x[step], True)
        if classes == 2:
            loss = F.binary_cross_entropy_with_logits(logits[:, 0], labels[step].double())
        else:
            loss = F.cross_entropy(logits, labels[step])
        gradients = torch.autograd.grad(loss, trained)
        with torch.no_grad():
            for value, gradient in zip(trained, gradients):
                value -= rate * gradient
        found.append(loss.detach())
    for name, value in everything():
        write(name + "_after", value)
    write("x", x), write("labels", labels), write("losses", torch.stack(found)), write("answers", run(x[0], False))


def main():
    what, *folders = sys.argv[1:]
    for folder in map(pathlib.Path, folders):
        def write(name, value):
            array = value.detach().numpy()
            kind = "f64" if value.is_floating_point() else "i32"
            array.astype({"f64": "<f8", "i32": "<i4"}[kind]).tofile(folder / f"{name}.{kind}")

        (folder / "version.txt").write_text(f"torch {torch.__version__}\n")
        if what == "networks":
            network(folder, write)
        else:
            lines = {"layers": layers, "losses": losses, "heads": heads}[what](write)
            (folder / "cases.txt").write_text("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
