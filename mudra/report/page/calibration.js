  // ---- how sure it says it is. Part of page.js.

  // Answers in bins of confidence: how sure they were, and how many of them were right.
  function reliabilityDiagram({after, before}) {
    const width = 440, height = 420, left = 62, right = 24, top = 24, bottom = 44;
    const x = (share) => left + share * (width - left - right), y = (share) => height - bottom - share * (height - top - bottom);
    const svg = drawing("svg", {viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": "Share of right answers by confidence; the numbers stand in the table of every point"});
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append(drawing("line", {class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick)}),
        drawing("text", {class: "tick", x: left - 7, y: y(tick) + 4, "text-anchor": "end"}, percent(tick)),
        drawing("text", {class: "tick", x: x(tick), y: height - bottom + 18, "text-anchor": "middle"}, percent(tick)));
    }
    svg.append(drawing("text", {class: "tick", x: (left + width - right) / 2, y: height - 5, "text-anchor": "middle"}, "how sure it said it was"),
      drawing("text", {class: "tick", x: -(top + height - bottom) / 2, y: 13, transform: "rotate(-90)", "text-anchor": "middle"}, "share of these answers that are right"),
      drawing("line", {class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom}),
      drawing("line", {class: "chance", x1: x(0), y1: y(0), x2: x(1), y2: y(1)}));
    // The area of a point is that of its answers, down to what can be seen.
    const radius = (images, all) => Math.max(3, 15 * Math.sqrt(images / all));
    for (const [kind, bins] of [["before", before ?? []], ["after", after]]) {
      const all = bins.reduce((sum, bin) => sum + bin[2], 0);
      svg.append(drawing("polyline", {class: `sure ${kind}`, points: bins.map((bin) => `${x(bin[0]).toFixed(1)},${y(bin[1]).toFixed(1)}`).join(" ")}));
      for (const [confidence, share, images] of [...bins].sort((a, b) => b[2] - a[2])) {
        const point = drawing("circle", {class: `sure ${kind}`, cx: x(confidence).toFixed(1), cy: y(share).toFixed(1), r: radius(images, all).toFixed(1)});
        point.append(drawing("title", {}, `${plural(images, "answer")}, ${oneDigit(confidence)} sure, ${oneDigit(share)} right`));
        svg.append(point);
      }
    }
    return element("figure.chart", {}, svg);
  }

  function calibration() {
    const known = record.calibration;
    if (known === null) return;
    const {after, before, rows, words} = known;
    const table = (label, head, lines) => element("div.wide", {tabindex: "0", role: "region", "aria-label": label}, element("table.numbers.narrow", {},
      element("thead", {}, element("tr", {}, head.map((text) => element("th", {scope: "col"}, text)))),
      element("tbody", {}, lines.map(([name, ...cells]) => element("tr", {}, element("th", {scope: "row"}, name), cells.map((text) => element("td", {}, text)))))));
    const points = [["before calibration", before ?? []], [before ? "after" : "", after]].flatMap(([when, bins]) =>
      bins.map(([confidence, share, images, low, high]) => [`${low} to ${high}`, ...before ? [when] : [], count(images), oneDigit(confidence), oneDigit(share)]));
    section("calibration", "How sure it says it is",
      words.map((text) => element("p", {}, rich(text))),
      element("div.beside", {}, element("div.reliability", {},
        element("ul.key", {}, element("li", {}, element("span.swatch.dot.after"), before ? "after calibration" : "its answers"),
          before ? element("li", {}, element("span.swatch.dot.before"), "before") : null,
          element("li", {}, element("span.swatch.chance"), "as sure as right")),
        reliabilityDiagram(known)),
      element("div.explained", {},
        element("p.note", {}, "Each point gathers answers that were about equally sure; the larger it is, the more they are. A model to be trusted has its points on the dashed line: of all answers it is 80% sure of, 80% are right. " +
          "Points below the line: it says it is surer than it has reason to be. Points above: it is right more often than it says. A small point is a few answers, and may lie anywhere by chance."),
        table("Measures of calibration", before ? ["", "before", "after"] : ["", ""], before ? rows : rows.map(([name, , value]) => [name, value])),
        element("details", {}, element("summary", {}, "What they mean"), pairs([
          [rows[0][0], "How far the points lie from the dashed line, on average over all answers: 0 is best, 0.1 is ten points of a hundred."],
          [rows[1][0], "The squared distance of the probabilities from the truth (1 for the true class, 0 for the others), added up over the classes: 0 is best, 2 is worst."],
          [rows[2][0], "The mean of −log p, where p is the probability given to the true class: 0 is best, and one sure answer that is wrong costs much."]], "dl.tight")),
        element("details", {}, element("summary", {}, "The numbers of every point"),
          table("Numbers of every point", ["said to be sure", ...before ? [""] : [], "answers", "mean", "right"], points)))));
  }
