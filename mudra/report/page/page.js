// Builds the page of a run or a test from the record beside it.
(() => {
  // ---- in words

  // The accuracy and its intervals on a line as long as they need.
  function scale(words) {
    const fresh = words.new_hands;
    const low = Math.min(words.low, fresh ? fresh.low : 1), high = Math.max(words.high, fresh ? fresh.high : 0);
    const steps = high - low < 0.02 ? 100 : high - low < 0.1 ? 20 : 10;  // from 0 to 100%
    const from = Math.max(0, Math.floor(steps * low - 0.2) / steps), to = Math.min(1, Math.ceil(steps * high + 0.2) / steps);
    const place = (share) => percent((share - from) / (to - from));
    const mark = (kind, low, high) => {
      const made = element(`span.${kind}`);
      made.style.left = kind === "point" ? `min(${place(low)}, 100% - 2px)` : place(low);
      if (high !== undefined) made.style.width = percent((high - low) / (to - from));
      return made;
    };
    const aside = words.baseline < from ? ", left of this scale" : words.baseline > to ? ", right of this scale" : "";
    const kind = words.of_hands ? "95% interval, these hands" : "95% interval";
    return element("div.scale", {
      role: "img",
      "aria-label": `${words.accuracy_text}, 95% interval ${words.low_text} to ${words.high_text}; ` +
        (fresh ? `for new hands ${fresh.low_text} to ${fresh.high_text}; ` : "") +
        `always answering ${words.baseline_answer}: ${words.baseline_text}`,
    },
    element("div.bar", {}, fresh ? mark("fresh", fresh.low, fresh.high) : null, mark("interval", words.low, words.high),
      aside ? null : mark("base", words.baseline), mark("point", words.accuracy)),
    element("div.ends", {}, element("span", {}, percent(from)), element("span", {}, percent(to))),
    element("ul.key", {},
      element("li", {}, element("span.swatch.point"), `right: ${words.accuracy_text}`),
      element("li", {}, element("span.swatch.interval"), `${kind}: ${words.low_text} to ${words.high_text}`),
      fresh ? element("li", {}, element("span.swatch.fresh"), `95% interval, new hands: ${fresh.low_text} to ${fresh.high_text}`) : null,
      element("li", {}, element("span.swatch.base"), "always ", element("bdi", {}, words.baseline_answer), `: ${words.baseline_text}${aside}`)));
  }

  function inWords() {
    const words = record.words;
    page.append(element("header", {},
      element("p.brand", {}, "Mudra report"),
      element("h1", {}, element("bdi", {}, words.title)),
      element("div.hero", {},
        element("p.figure", {}, element("strong", {}, words.accuracy_text), " right"),
        scale(words)),
      element("p.lead", {}, words.asked, " ", words.answered),
      words.sure.map((text) => element("p", {}, rich(text))),
      words.warnings.length === 0 ? null : element("ul.warnings", {"aria-label": "Warnings"},
        words.warnings.map((text) => element("li", {}, element("strong", {}, "Take care. "), rich(text))))));
  }

  function data() {
    section("data", "Data and network", pairs(record.facts), record.notes.map((note) => element("p.note", {}, note)));
    if (record.folds.length === 0) return;
    section("folds", "Each part held out once", element("div.wide", {tabindex: "0", role: "region", "aria-labelledby": "folds"},
      element("table.numbers", {},
        element("thead", {}, element("tr", {}, ["held out", "pictures", "right", "accuracy"].map((text) => element("th", {scope: "col"}, text)))),
        element("tbody", {}, record.folds.map(([name, images, right, share]) => element("tr", {},
          element("th", {scope: "row"}, element("bdi", {}, name)),
          [count(images), count(right), share].map((text) => element("td", {}, text))))))));
  }

  // ---- learning: curves

  const series = [["training", "train"], ["held out", "held-out"], ["validation", "validation"]];
  // Epoch 0, where it was kept, has an accuracy and no more.
  const untrained = record.epochs !== null && record.epochs.shown[0].number === 0;
  const history = untrained ? [[0, null, null, null, null, record.epochs.shown[0].right / record.epochs.images, null], ...record.history] : record.history;
  const epochs = history.map((row) => row[0]);
  // What the slider stops at: all epochs, or those that were kept.
  const stops = record.epochs === null ? epochs : record.epochs.shown.map((epoch) => epoch.number);

  function logTicks(low, high) {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; ++power) {
      for (const digit of [1, 2, 5]) {
        const tick = Number(`${digit}e${power}`);
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    }
    return ticks;
  }

  function evenTicks(low, high, most) {
    const rough = (high - low) / most || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((digit) => digit * power >= rough * 0.999);
    const ticks = [];
    for (let tick = Math.ceil(low / step - 1e-9); tick * step <= high * 1.0000001; ++tick) {
      ticks.push(Number((tick * step).toPrecision(6)));
    }
    return ticks;
  }

  // One chart: `columns` of the history's rows. Returns the figure and a function that marks an epoch.
  function chart(title, columns, asPercent) {
    const width = 440, height = 250, left = 50, right = 12, top = 12, bottom = 40;
    const values = columns.flatMap((column) => history.map((row) => row[column])).filter((value) => value !== null);
    let low = Math.min(...values), high = Math.max(...values);
    // On a linear axis a curve that falls a hundredfold is a corner.
    const log = !asPercent && low > 0 && high > 30 * low;
    if (asPercent) {
      low = Math.max(0, Math.floor(low * 10) / 10);
      high = 1;
      if (low >= 1) low = 0.9;
    } else if (!log) {
      low = 0;
      high = high * 1.05 || 1;
    }
    const first = epochs[0], last = Math.max(first + 1, epochs[epochs.length - 1]);
    const x = (epoch) => left + (epoch - first) / (last - first) * (width - left - right);
    const share = (value) => log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    const y = (value) => height - bottom - share(value) * (height - top - bottom);
    const svg = drawing("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}, epoch by epoch; the numbers stand below`});
    for (const tick of log ? logTicks(low, high) : evenTicks(low, high, 5)) {
      svg.append(drawing("line", {class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick)}));
      svg.append(drawing("text", {class: "tick", x: left - 7, y: y(tick) + 4, "text-anchor": "end"},
        asPercent ? percent(tick) : String(tick)));
    }
    for (const tick of evenTicks(first, last, 5).filter(Number.isInteger)) {
      svg.append(drawing("text", {class: "tick", x: x(tick), y: height - bottom + 18, "text-anchor": "middle"}, String(tick)));
    }
    svg.append(drawing("text", {class: "tick", x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle"}, "epoch"));
    svg.append(drawing("line", {class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom}));
    if (record.epochs !== null) {
      for (const stop of stops) svg.append(drawing("line", {class: "stop", x1: x(stop), x2: x(stop), y1: height - bottom, y2: height - bottom - 5}));
    }
    const cursor = drawing("line", {class: "cursor", y1: top, y2: height - bottom});
    svg.append(cursor);
    const dots = columns.map((column, i) => {
      const points = history.map((row) => [row[0], row[column]]).filter(([, value]) => value !== null && (!log || value > 0));
      if (points.length > 1) {
        svg.append(drawing("polyline", {class: `line ${series[i][1]}`,
          points: points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}));
      }
      const dot = drawing("circle", {class: `dot ${series[i][1]}`, r: 4});
      svg.append(dot);
      return dot;
    });
    const mark = (row) => {
      cursor.setAttribute("x1", x(row[0]));
      cursor.setAttribute("x2", x(row[0]));
      columns.forEach((column, i) => {
        const value = row[column], there = value !== null && (!log || value > 0);
        dots[i].setAttribute("cx", x(row[0]));
        dots[i].setAttribute("cy", there ? y(value) : 0);
        dots[i].style.display = there ? "" : "none";
      });
    };
    // The place in `stops` of the one nearest to a point of the screen.
    const stopAt = (clientX) => {
      const box = svg.getBoundingClientRect();
      const far = stops.map((stop) => Math.abs(x(stop) / width * box.width + box.left - clientX));
      return far.indexOf(Math.min(...far));
    };
    return {figure: element("figure.chart", {}, element("figcaption", {}, log ? `${title} (logarithmic)` : title), svg), svg, mark, stopAt};
  }

  function learning() {
    if (epochs.length === 0) return;
    const watched = series.map((_, i) => history.some((row) => row[i + 1] !== null || row[i + 4] !== null));
    const kept = series.map((_, i) => i).filter((i) => watched[i]);
    const charts = [chart("Loss", kept.map((i) => i + 1), false), chart("Accuracy", kept.map((i) => i + 4), true)];
    const slider = element("input", {type: "range", id: "epoch", min: 0, max: stops.length - 1, value: stops.length - 1});
    const reading = element("output.reading", {for: "epoch"});
    const network = record.epochs === null ? null : keptEpochs();
    let now = null;
    const show = (index) => {
      if (index === now) return;
      now = index;
      slider.value = index;
      const row = history[epochs.indexOf(stops[index])];
      const name = row[0] === 0 ? "before training" : `epoch ${row[0]}`;
      slider.setAttribute("aria-valuetext", name);
      const known = kept.filter((i) => row[i + 1] !== null || row[i + 4] !== null);
      reading.replaceChildren(`${name[0].toUpperCase()}${name.slice(1)}. `, ...known.map((i, at) => element("span", {}, element(`span.swatch.${series[i][1]}`),
        `${series[i][0]}: ${row[i + 1] === null ? "" : `loss ${Number(row[i + 1].toPrecision(3))}, `}${oneDigit(row[i + 4])} right${at + 1 < known.length ? "; " : ""}`)));
      for (const each of charts) each.mark(row);
      if (network !== null) network.show(index);
    };
    slider.addEventListener("input", () => show(Number(slider.value)));
    for (const each of charts) each.svg.addEventListener("pointermove", (event) => show(each.stopAt(event.clientX)));
    const table = element("details", {}, element("summary", {}, "The numbers of every epoch"),
      element("div.wide.tall", {tabindex: "0", role: "region", "aria-label": "Numbers of every epoch"}, element("table.numbers", {},
        element("thead", {}, element("tr", {}, element("th", {scope: "col"}, "epoch"),
          kept.map((i) => element("th", {scope: "col"}, `loss, ${series[i][0]}`)), kept.map((i) => element("th", {scope: "col"}, `accuracy, ${series[i][0]}`)))),
        element("tbody", {}, history.map((row) => element("tr", {}, element("th", {scope: "row"}, row[0]),
          kept.map((i) => element("td", {}, row[i + 1] === null ? "" : row[i + 1].toPrecision(4))),
          kept.map((i) => element("td", {}, row[i + 4] === null ? "" : oneDigit(row[i + 4])))))))));
    section("learning", "Learning",
      element("ul.key", {}, kept.map((i) => element("li", {}, element(`span.swatch.${series[i][1]}`), series[i][0]))),
      element("div.charts", {}, charts.map((each) => each.figure)),
      network === null ? [element("div.slider", {}, element("label", {for: "epoch"}, "Look at one epoch"), slider), reading] :
        element("div.kept", {}, element("div.steer", {}, element("div.slider", {}, element("label", {for: "epoch"}, "Epochs that were kept"), playButton(slider, show), slider), reading),
          network.whole),
      record.folds.length === 0 ? null : element("p.note", {}, "The curves are those of one part held out, the last: ", element("bdi", {}, record.shown_training), "."),
      record.folds.length === 0 && record.kept_epoch > 0 && record.kept_epoch < epochs[epochs.length - 1] ?
        element("p.note", {}, `The weights of epoch ${record.kept_epoch} were kept.`) : null,
      table);
    show(stops.length - 1);
  }

{{epochs.js}}
{{confusions.js}}
  function scores() {
    const most = 30, all = record.scores.classes;
    const row = ([name, ...cells]) => element("tr", {}, element("th", {scope: "row"}, element("bdi", {}, name)),
      cells.map((text) => element("td", {}, text)));
    const few = all.length > most;
    const worst = [...all].sort((a, b) => Number(a[3]) - Number(b[3])).slice(0, most);
    const body = element("tbody", {}, (few ? worst : all).map(row));
    section("scores", "Classification report",
      few ? element("p.note", {}, `The ${most} of ${count(all.length)} classes with the lowest f1-score.`) : null,
      element("div.wide", {tabindex: "0", role: "region", "aria-labelledby": "scores"}, element("table.numbers", {},
        element("thead", {}, element("tr", {}, element("th", {scope: "col"}, "class"),
          ["precision", "recall", "f1-score", "support"].map((text) => element("th", {scope: "col"}, text)))),
        body, element("tbody.summary", {}, record.scores.summary.map(row)))),
      few ? more(`Show all ${count(all.length)} classes`, () => body.replaceChildren(...all.map(row))) : null,
      element("p.note", {}, "Precision: of the pictures given this answer, the share that truly are. Recall: of the pictures " +
        "that truly are, the share given this answer. F1: their harmonic mean. Support: the number of pictures that truly are."));
  }

{{scores.js}}
{{calibration.js}}
  function examples() {
    const first = record.pictures.slice(0, record.examples);
    const wrong = first.filter((picture) => picture.truth !== picture.predicted).length;
    const what = first.some((picture) => picture.predicted < 0) ? "Mistakes and refused pictures" : "Mistakes";
    section("examples", "Example predictions",
      element("p.note", {}, wrong === 0 ? "No mistake was made; the least sure answers first." :
        wrong === first.length ? `${what}, the surest first. The percentage is the probability the model gave.` :
          `${what} first, the surest of them first; then right answers, the least sure first. The percentage is the probability the model gave.`),
      element("div.tiles", {}, first.map(tile)));
  }

  function suspects() {
    const {count: all, first, by_photograph: byPhotograph} = record.suspects;
    if (all === 0) return;
    section("suspects", "Labels that may be wrong",
      element("p.note", {}, `Networks that had not seen them speak against the labels of ${plural(all, "picture")}, the surest first` +
        `${byPhotograph ? `; one of each photograph is shown` : all > first.length ? `; these are the first ${first.length}` : ""}. Under each stands what it seems to show and how sure that is. ` +
        "Look for yourself: a hard picture can be labelled rightly. ", rich("`mudra data check DATA` looks with a network of its own and writes a file of corrections.")),
      element("div.tiles", {}, first.map(suspectTile)));
  }

  function weights() {
    const sheet = record.weights;
    if (sheet === null) return;
    const what = sheet.change ? "Training changed" : "These are";
    section("weights", "What the hidden units learned",
      element("div.wide", {tabindex: "0", role: "region", "aria-labelledby": "weights"},
        element("img.sheet", {src: `data:image/png;base64,${sheet.png}`, width: sheet.width, height: sheet.height,
          alt: `${what} the weights of ${sheet.units} hidden units, as pictures`})),
      element("p.note", {}, `${what} the weights of ${count(sheet.units)} of ${plural(sheet.of, "hidden unit")}${sheet.change ? " like this" : ""}: ` +
        `red up to +${sheet.limit}, blue down to −${sheet.limit}, no colour at 0. Each picture is what one unit looks for.`));
  }

  function howTo() {
    const table = (rows) => element("div.wide", {tabindex: "0", role: "region", "aria-label": "Options"},
      element("table.numbers.options", {},
        element("thead", {}, element("tr", {}, ["option", "value"].map((text) => element("th", {scope: "col"}, text)))),
        element("tbody", {}, rows.map(([name, text]) => element("tr", {}, element("th", {scope: "row"}, name),
          element("td", {}, element("bdi", {}, text === "" ? "—" : text)))))));
    const chosen = record.options.filter((option) => option[2]), others = record.options.filter((option) => !option[2]);
    if (record.options.length > 0) {
      section("options", "Options", chosen.length > 0 ? table(chosen) : element("p.note", {}, "All options have their defaults."),
        others.length === 0 ? null : element("details", {}, element("summary", {}, `${plural(others.length, "option")} left at the default`), table(others)));
    }
    section("time", "Time and machine", pairs(record.seconds, "dl.short"), pairs(record.environment, "dl.short"));
    section("repeat", "How to repeat it",
      element("pre.command", {tabindex: "0"}, element("code", {}, record.command)),
      record.options_toml === "" ? null : [
        element("p.note", {}, "gives the same model from the same data, byte for byte on every processor with fused multiply-add."),
        element("details", {}, element("summary", {}, "The file options.toml it names"),
          element("pre", {tabindex: "0"}, element("code", {}, record.options_toml)))]);
  }

  inWords();
  data();
  learning();
  if (record.confusions.matrix) matrix(); else confusionList();
  scores();
  scoresAndCurves();
  calibration();
  examples();
  suspects();
  weights();
  howTo();
  // Paper cannot be unfolded.
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("#repeat ~ details, section[aria-labelledby=options] details")) folded.open = true;
  });
})();
