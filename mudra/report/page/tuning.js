// Builds the page of a search for options.
(() => {
  const {history, slices, trials, folds, rungs} = record;
  const width = 760, left = 58, right = 16, top = 12;

  function table(id, headings, rows, kind = "table.numbers") {
    return element("div.wide", {tabindex: "0", role: "region", "aria-labelledby": id}, element(kind, {},
      element("thead", {}, element("tr", {}, headings.map((text) => element("th", {scope: "col"}, text)))),
      element("tbody", {}, rows.map(([name, ...cells]) => element("tr", {}, element("th", {scope: "row"}, name),
        cells.map((cell) => element("td", {}, cell)))))));
  }

  // Round steps from low to high, five or so.
  function ticks(low, high) {
    const raw = (high - low) / 5, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw);
    const marks = [];
    for (let at = Math.ceil(low / step) * step; at <= high + 1e-9 * step; at += step) marks.push(Number(at.toPrecision(10)));
    return marks;
  }

  // Scores: where few are far below, the axis begins near the others.
  function range(scores) {
    const sorted = [...scores].sort((x, y) => x - y);
    const middle = sorted[Math.floor(sorted.length / 2)], high = sorted[sorted.length - 1];
    const low = Math.max(sorted[0], high - Math.max(0.05, 3 * (high - middle)));
    const room = Math.max(0.005, 0.06 * (high - low));
    return [Math.max(0, low - room), Math.min(1, high + room)];
  }

  function frameOf(svg, height, bottom, low, high) {
    const y = (score) => height - bottom - (Math.max(low, score) - low) / (high - low) * (height - top - bottom);
    for (const tick of ticks(low, high)) {
      svg.append(drawing("line", {class: "grid", x1: left, x2: svg.wide - right, y1: y(tick), y2: y(tick)}),
        drawing("text", {class: "tick", x: left - 7, y: y(tick) + 4, "text-anchor": "end"}, percent(tick)));
    }
    svg.append(drawing("line", {class: "axis", x1: left, x2: svg.wide - right, y1: height - bottom, y2: height - bottom}));
    return y;
  }

  function svgOf(wide, height, label) {
    const svg = drawing("svg", {viewBox: `0 0 ${wide} ${height}`, role: "img", "aria-label": label});
    svg.wide = wide;
    return svg;
  }

  function point(x, y, kind, radius, text) {
    const made = drawing("circle", {class: `trial ${kind}`, cx: x.toFixed(1), cy: y.toFixed(1), r: radius});
    made.append(drawing("title", {}, text));
    return made;
  }

  function inWords() {
    page.append(element("header", {},
      element("p.brand", {}, "Mudra report: a search for options"), element("h1", {}, record.title),
      element("div.hero", {}, element("p.figure", {}, element("strong", {}, record.best_score)), element("p", {}, record.data)),
      element("p.lead", {}, record.lead)));
    section("best", "The best options", pairs(record.best.map(([name, text]) => [`--${name}`, text === "" ? "(none)" : text])),
      element("p.note", {}, rich("They stand, with all others, in best.toml beside this page: `mudra train --options best.toml` trains with them.")));
    if (record.test !== null) {
      section("test", folds.length > 0 ? "What searching and training so comes to" : "What the best comes to",
        record.test.map((text) => element("p", {}, text[0].toUpperCase() + text.slice(1) + ".")),
        element("p.note", {}, folds.length > 0 ?
          "Every fold had a search of its own, in its training part, and was tested once with the options found there." :
          "Trained on the whole training part, and tested once. The test part chose nothing."));
    }
    if (folds.length > 0) {
      section("folds", "What each search found", table("folds", ["search", "best score", "options"],
        folds.map(([name, score, options]) => [element("bdi", {}, name), score, element("bdi", {}, options)]), "table.numbers.options"));
    }
  }

  function drawHistory() {
    const height = 330, bottom = 46, last = history[history.length - 1][0];
    const [low, high] = range(history.map((reached) => reached[1]));
    const svg = svgOf(width, height, "Score of every trial at every rung, by epochs trained; the numbers stand in the table of trials");
    const y = frameOf(svg, height, bottom, low, high), x = (epochs) => left + epochs / last * (width - left - right);
    for (const tick of ticks(0, last)) svg.append(drawing("text", {class: "tick", x: x(tick), y: height - bottom + 18, "text-anchor": "middle"}, count(tick)));
    svg.append(drawing("text", {class: "tick", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle"}, "epochs trained by all trials until then"));
    const most = rungs[rungs.length - 1];
    for (const [spent, score, trial, epochs] of history) {
      svg.append(point(x(spent), y(score), epochs === most ? "whole" : "part", epochs === most ? 5 : 3.2,
        `trial ${trial} after ${plural(epochs, "epoch")}: ${oneDigit(score)}`));
    }
    let path = "", before = null;
    for (const [spent, , , , best] of history) {
      if (best === null) continue;
      path += path === "" ? `M${x(spent)} ${y(best)}` : `H${x(spent)}${best === before ? "" : `V${y(best)}`}`;
      before = best;
    }
    svg.append(drawing("path", {class: "line held-out", d: path}));
    section("history", "How it went",
      element("ul.key", {}, element("li", {}, element("span.swatch.held-out"), `the best that trained all ${plural(most, "epoch")}`),
        element("li", {}, element("span.swatch.dot.after"), `a trial after ${plural(most, "epoch")}`),
        rungs.length > 1 ? element("li", {}, element("span.swatch.dot.before"), `after ${rungs.slice(0, -1).join(", ")}`) : null),
      element("figure.chart", {}, svg),
      element("p.note", {}, (rungs.length > 1 ? `After ${rungs.slice(0, -1).join(", ")} epochs trials are compared, and one of ${record.halving} goes on with the weights it has. ` : "") +
        `A score is the mean accuracy on what the inner folds (${record.inner}) hold out. Sampler ${record.sampler}, seed ${record.seed}.`));
  }

  // Score by value, of the first rung.
  function slice({name, low, high, log, choices, points}) {
    const wide = 360, height = 200, bottom = 30;
    const [least, most] = range(points.map(([, score]) => score));
    const svg = svgOf(wide, height, `Scores by ${name}`);
    const y = frameOf(svg, height, bottom, least, most);
    const scale = log ? Math.log : (value) => value;
    const x = (value) => choices.length > 0 ? left + (value + 0.5) / choices.length * (wide - left - right) :
      left + 4 + (scale(value) - scale(low)) / (scale(high) - scale(low)) * (wide - left - right - 8);
    const label = (at, text, anchor) => svg.append(drawing("text", {class: "tick", x: at, y: height - bottom + 18, "text-anchor": anchor}, text));
    if (choices.length > 0) {
      choices.forEach((_, at) => label(x(at), choices.length === 1 ? "" : String.fromCharCode(65 + at), "middle"));
    } else {
      label(x(low), String(low), "start");
      label(x(high), String(high), "end");
    }
    // Choices side by side in their column, in the order of the trials.
    points.forEach(([value, score, trial], at) => {
      const spread = choices.length > 0 ? ((at * 0.618) % 1 - 0.5) * 0.5 * (wide - left - right) / choices.length : 0;
      svg.append(point(x(value) + spread, y(score), "whole", 3.5, `trial ${trial}, ${choices[value] ?? value}: ${oneDigit(score)}`));
    });
    return element("figure.chart", {}, element("figcaption", {}, name), svg,
      choices.length > 1 ? element("ol.letters", {}, choices.map((text) => element("li", {}, element("bdi", {}, text)))) : null);
  }

  function whatMattered() {
    if (slices.length === 0) return;
    const bars = slices.map(({name, share, points}) => {
      const bar = element("span.interval");
      bar.style.left = "0";
      bar.style.width = percent(share);
      return [name, oneDigit(share), count(points.length), element("div.strip", {}, element("div.bar", {"aria-hidden": "true"}, bar))];
    });
    section("importance", "What mattered", table("importance", ["", "explains", "trials", ""], bars, "table.numbers.strips"),
      element("p.note", {}, `Of the differences between the trials after ${plural(rungs[0], "epoch")}, the share that lies between the choices, or between quarters of the values, less what chance alone puts there. ` +
        "A few dozen trials tell the large shares from the small ones, and no more; shares overlap, for options are drawn together."),
      element("div.charts", {}, slices.slice(0, 6).map(slice)),
      slices.length > 6 ? more(`Show ${count(slices.length - 6)} more`, () => document.querySelector(".charts").append(...slices.slice(6).map(slice))) : null);
  }

  function allTrials() {
    const names = [...new Set(trials.flatMap(({options}) => options.map(([name]) => name)))];
    const rows = trials.map(({trial, score, loss, epochs, seconds, state, options}) => {
      const known = new Map(options);
      return [String(trial), score, loss, count(epochs), seconds, state,
        ...names.map((name) => known.has(name) ? element("bdi.name", {title: known.get(name)}, known.get(name) === "" ? "(none)" : known.get(name)) : "—")];
    });
    section("trials", "All trials", table("trials", ["trial", "score", "loss", "epochs", "seconds", "state", ...names], rows, "table.numbers.trials"));
  }

  inWords();
  if (history.length > 0) drawHistory();
  whatMattered();
  allTrials();
})();
