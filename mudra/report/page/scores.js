  // ---- scores with their intervals, curves, columns. Part of page.js.

  const measures = record.measures;

  // An interval and its value on a line from `from` to 1.
  function strip(places, from) {
    if (places === null) return element("td.strip", {});
    const place = (share) => percent(Math.max(0, share - from) / (1 - from));
    const [low, value, high] = places;
    const interval = element("span.interval"), point = element("span.point");
    interval.style.left = place(low);
    interval.style.width = percent((Math.max(from, high) - Math.max(from, low)) / (1 - from));
    point.style.left = `min(${place(value)}, 100% - 2px)`;
    return element("td.strip", {}, element("div.bar", {"aria-hidden": "true"}, interval, point));
  }

  // Rows [name, ...texts, places]: their intervals on one scale, with its ends below.
  function strips(id, label, head, rows, ends) {
    const lows = rows.map((row) => row.at(-1)).filter((places) => places !== null).map((places) => places[0]);
    const from = Math.max(0, Math.floor(10 * Math.min(...lows, 1) - 0.2) / 10);
    return element("div.wide", {tabindex: "0", role: "region", "aria-label": label}, element("table.numbers.strips", {id},
      element("thead", {}, element("tr", {}, head.map((text) => element("th", {scope: "col"}, text)),
        element("th.strip", {scope: "col"}, element("span.ends", {}, element("span", {}, ends(from)), element("span", {}, ends(1)))))),
      element("tbody", {}, rows.map((row) => element("tr", {}, element("th", {scope: "row"}, element("bdi", {}, row[0])),
        row.slice(1, -1).map((text) => element("td", {}, text)), strip(row.at(-1), from))))));
  }

  // One chart of all classes' curves: `point` turns [false positive rate, recall, precision] into x and y.
  function curveChart(title, xName, yName, classes, point, hasPrecision) {
    const width = 440, height = 330, left = 62, right = 20, top = 12, bottom = 44;
    const x = (share) => left + share * (width - left - right), y = (share) => height - bottom - share * (height - top - bottom);
    const svg = drawing("svg", {viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": `${title} of ${classes.length === 1 ? classes[0].name : `${classes.length} classes`}; the areas stand in the table below`});
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append(drawing("line", {class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick)}),
        drawing("text", {class: "tick", x: left - 7, y: y(tick) + 4, "text-anchor": "end"}, percent(tick)),
        drawing("text", {class: "tick", x: x(tick), y: height - bottom + 18, "text-anchor": "middle"}, percent(tick)));
    }
    svg.append(drawing("text", {class: "tick", x: (left + width - right) / 2, y: height - 5, "text-anchor": "middle"}, xName),
      drawing("text", {class: "tick", x: -(top + height - bottom) / 2, y: 13, transform: "rotate(-90)", "text-anchor": "middle"}, yName),
      drawing("line", {class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom}));
    const chance = drawing("line", {class: "chance"});
    svg.append(chance);
    const lines = classes.map((each) => {
      // Where the first answers are wrong no curve falls to them from above.
      const places = (hasPrecision && each.curve[1][2] < 1 ? each.curve.slice(1) : each.curve).map(point).map(([a, b]) => [x(a).toFixed(1), y(b).toFixed(1)]);
      const line = drawing("polyline", {class: "curve", points: places.map(([a, b]) => `${a},${b}`).join(" ")});
      line.append(drawing("title", {}, each.name));
      return line;
    });
    svg.append(...lines);
    const choose = (index) => {
      lines.forEach((line, at) => line.setAttribute("class", at === index ? "line held-out" : "curve"));
      svg.append(lines[index]);  // above the others
      const share = classes[index].share;
      for (const [name, value] of Object.entries(hasPrecision ? {x1: x(0), x2: x(1), y1: y(share), y2: y(share)} : {x1: x(0), x2: x(1), y1: y(0), y2: y(1)}))
        chance.setAttribute(name, value);
    };
    return {figure: element("figure.chart", {}, element("figcaption", {}, title), svg), lines, choose};
  }

  function curves() {
    const classes = measures.classes;
    if (classes.length === 0) return null;
    const charts = [
      curveChart("ROC curve", "of the other pictures, given this answer", "of its pictures, given this answer", classes, ([rate, recall]) => [rate, recall], false),
      curveChart("Precision and recall", "recall", "precision", classes, ([, recall, precision]) => [recall, precision], true)];
    const rows = classes.map((each, index) => {
      const button = element("button.pick", {type: "button"}, element("bdi", {}, each.name));
      button.addEventListener("click", () => choose(index));
      const row = element("tr", {}, element("th", {scope: "row"}, classes.length > 1 ? button : element("bdi", {}, each.name)),
        [each.roc, each.roc_interval, each.precision, each.precision_interval].map((text) => element("td", {}, text)));
      return {row, button};
    });
    const chosen = element("bdi.name", {});
    const choose = (index) => {
      rows.forEach(({row, button}, at) => {
        row.classList.toggle("chosen", at === index);
        button.setAttribute("aria-current", String(at === index));
      });
      chosen.textContent = classes[index].name;
      for (const chart of charts) chart.choose(index);
    };
    for (const chart of charts) chart.lines.forEach((line, index) => line.addEventListener("click", () => choose(index)));
    choose(0);
    const key = element("ul.key", {}, element("li", {}, element("span.swatch.held-out"), chosen),
      classes.length > 1 ? element("li", {}, element("span.swatch.curve"), `${classes.length - 1} other class${classes.length === 2 ? "" : "es"}`) : null,
      element("li", {}, element("span.swatch.chance"), "answers at random"));
    return [element("h3", {}, classes.length > 1 ? "One class against all others" : ["Is it ", className(1), "?"]),
      element("p.note", {}, "A class is answered wherever its probability is at least some threshold, from all too strict to all too lax: ",
        "the higher a curve runs, the better the probabilities tell the class from the others.",
        classes.length > 1 ? element("span.screen", {}, " Choose a class in the table to see its curves; the worst one is chosen.") : null),
      key, element("div.charts", {}, charts.map((each) => each.figure)),
      element("div.wide", {tabindex: "0", role: "region", "aria-label": "Areas below the curves"}, element("table.numbers.picks", {},
        element("thead", {}, element("tr", {}, ["class", "ROC area", "95% interval", "average precision", "95% interval"].map((text) => element("th", {scope: "col"}, text)))),
        element("tbody", {}, rows.map(({row}) => row)))),
      measures.of > classes.length ? element("p.note", {}, `The ${classes.length} of ${count(measures.of)} classes with the lowest average precision.`) : null];
  }

  function scoresAndCurves() {
    section("measures", "Scores",
      element("p.note", {}, `The 95% intervals count ${measures.counted} as independent of each other.`),
      strips("measures-table", "Scores", ["score", "value", "95% interval"], measures.overall, String),
      element("details", {}, element("summary", {}, "What they mean"), pairs([
        ["Balanced accuracy", "The share that is right, averaged over the classes: a rare class counts as much as a frequent one."],
        ["Cohen's kappa", "How far answers and labels agree beyond what chance would give: 1 is always, 0 as often as by chance."],
        ["Matthews correlation", "The correlation of answers and labels: 1, 0 and −1 as for any correlation."],
        ["ROC area", "How often a picture of the class has a higher probability of it than a picture of another class: 50% by chance. The mean over the classes."],
        ["Average precision", "The precision, averaged over all recalls. The mean over the classes."],
        ["First two", "The label is one of the two most probable classes."]])),
      curves());
    for (const [at, column] of measures.by.entries()) {
      section(`by-${at}`, "", strips(`by-table-${at}`, "Accuracy", ["value", "pictures", "right", "accuracy", "95% interval"], column.rows, percent),
        column.of > column.rows.length ? element("p.note", {}, `The worst ${count(column.rows.length)} of ${count(column.of)} values.`) : null);
      document.getElementById(`by-${at}`).append("By ", element("bdi", {}, column.column));
    }
  }
