"""`mudra tune` beside optuna (TPE with its successive halving) and random search: the best score by epochs spent.

usage: tuning.py DATA [--seeds 20] [--trials 40] [--epochs 27] [--json FILE]     (wants python3-optuna)

The question is that of docs/tuning.md for all ten digits: docs/report-space.toml, one hand held out, the score by three
inner folds by hand. All three methods have every trial trained by `mudra tune`, on the same folds from the same initial
weights, so that the searches alone differ; optuna is told the score at the same rungs and decides there whether the trial
goes on. An epoch counts when a trial has trained it, in all inner folds. The best score is the best accuracy at any rung
so far, and in a second table that of trials with all epochs.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = os.environ.get("MUDRA_COMMAND", ROOT / "build" / "release" / "mudra")
SPACE = ROOT / "docs" / "report-space.toml"


class Question:
    def __init__(self, data, folder, epochs):
        self.folder, self.epochs = pathlib.Path(folder), epochs
        source, groups = data / "sign-digits" / "dataset_labels.npz", data / "sign-digits" / "groups.npz"
        self.arguments = [source, "--groups", groups, "--split", "group", "--threads", "1", "--json", "--quiet"]
        self.made = 0
        self.longest = 0.0

    def tune(self, *more):
        self.made += 1
        out = self.folder / f"search-{self.made}"
        run = subprocess.run([COMMAND, "tune", *self.arguments, *map(str, more), "--out", out], capture_output=True, text=True)
        if run.returncode:
            sys.exit(run.stderr)
        found = json.loads(run.stdout)
        self.longest = max([self.longest, *(trial["seconds"] for trial in found["trials"])])
        return found

    def score_of(self, options, epochs, seed):
        """Of one trial with these options after so many epochs, on the folds and from the weights of this seed; None where it diverged.
        The learning rate is constant, so that a shorter training is the beginning of a longer one."""
        space = self.folder / "one.toml"
        lines = []
        for name, value in options.items():
            lines += [f"[{name}]", f"choices = [{json.dumps(value)}]"]
        space.write_text("\n".join(lines))
        [trial] = self.tune("--space", space, "--trials", 1, "--halving", 1, "--epochs", epochs, "--seed", seed)["trials"]
        return None if trial["state"] == "failed" else trial["score"]


def curve_of(rungs):
    """[(epochs spent, score, whether with all epochs)] of rungs [(epochs more, score, is_complete)] in their order."""
    curve, spent = [], 0
    for more, score, is_complete in rungs:
        spent += more
        curve.append((spent, score, is_complete))
    return curve


def mudra_curve(question, seed, trials, *more):
    found = question.tune("--space", SPACE, "--trials", trials, "--epochs", question.epochs, "--seed", seed, *more)
    reached = []
    for trial in found["trials"]:
        before = 0
        for rung in trial["rungs"]:
            reached.append((rung["place"], rung["epochs"] - before, rung["score"], rung["epochs"] == question.epochs))
            before = rung["epochs"]
    return curve_of([each[1:] for each in sorted(reached)])


def optuna_curve(question, seed, trials):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = tomllib.loads(SPACE.read_text())
    rungs = [question.epochs]
    while rungs[0] > 1 and len(rungs) < 4:
        rungs.insert(0, -(-rungs[0] // 3))
    reached = []

    def objective(trial):
        drawn = {}
        for name, table in space.items():
            if "choices" in table:
                drawn[name] = trial.suggest_categorical(name, table["choices"])
            elif isinstance(table["low"], int):
                drawn[name] = trial.suggest_int(name, table["low"], table["high"], log=table.get("log", False))
            else:
                drawn[name] = trial.suggest_float(name, table["low"], table["high"], log=table.get("log", False))
        words = {name: drawn.pop(name) for name in ("width", "activation")}
        drawn["network"] = drawn["network"].format(**words)
        before = 0
        for epochs in rungs:
            score = question.score_of(drawn, epochs, seed)
            if score is None:
                raise optuna.TrialPruned()
            reached.append((epochs - before, score, epochs == question.epochs))
            before = epochs
            trial.report(score, epochs)
            if epochs < question.epochs and trial.should_prune():
                raise optuna.TrialPruned()
        return score

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3))
    study.optimize(objective, n_trials=trials)
    return curve_of(reached)


def best_by(curve, budget, only_complete=False):
    return max((score for spent, score, whole in curve if spent <= budget and (whole or not only_complete)), default=math.nan)


def summary(values):
    known = [value for value in values if not math.isnan(value)]
    if len(known) < 2:
        return "-"
    error = statistics.stdev(known) / math.sqrt(len(known))
    return f"{statistics.mean(known):.4f} +- {error:.4f}" + ("" if len(known) == len(values) else f" ({len(known)} of {len(values)})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--methods", default="mudra,optuna,random")
    parser.add_argument("--halving", type=int, default=3)
    parser.add_argument("--json", help="keep the curves in this file")
    given = parser.parse_args()
    curves = {name: [] for name in given.methods.split(",")}
    with tempfile.TemporaryDirectory() as folder:
        question = Question(given.data, folder, given.epochs)
        for seed in range(1, given.seeds + 1):
            for name in curves:
                if name == "mudra":
                    curve = mudra_curve(question, seed, given.trials, "--halving", given.halving)
                elif name == "optuna":
                    curve = optuna_curve(question, seed, given.trials)
                else:
                    curve = mudra_curve(question, seed, given.trials, "--sampler", "random", "--halving", 1)
                curves[name].append(curve)
            print(f"seed {seed}: " + ", ".join(f"{n} {c[-1][-1][0]} epochs, {best_by(c[-1], 10**9):.4f}" for n, c in curves.items()),
                  file=sys.stderr, flush=True)
        print(f"the longest trial trained for {question.longest:.1f} s\n")
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(curves))
    ends = {name: round(statistics.mean(curve[-1][0] for curve in of)) for name, of in curves.items()}
    print(f"{given.seeds} seeds, {given.trials} trials of at most {given.epochs} epochs; epochs spent: {ends}")
    for only_complete in (False, True):
        print("\nbest score " + ("of trials with all epochs" if only_complete else "at any rung") + ", mean and standard error")
        print("| epochs spent | " + " | ".join(curves) + " |")
        for budget in (27, 54, 108, 216, 432, 864, 10**9):
            cells = [summary([best_by(curve, budget, only_complete) for curve in of]) for of in curves.values()]
            print(f"| {'all' if budget == 10**9 else budget} | " + " | ".join(cells) + " |")
    if "mudra" in curves:
        print("\nmudra less the other, paired by seed, mean and standard error")
        for name in curves:
            for budget in (54, 108, 216, 10**9) if name != "mudra" else ():
                pairs = [best_by(a, budget) - best_by(b, budget) for a, b in zip(curves["mudra"], curves[name])]
                print(f"| {name} | {'all' if budget == 10**9 else budget} | {summary(pairs)} |")


if __name__ == "__main__":
    main()
