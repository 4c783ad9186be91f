// Builds the page of two runs compared.
(() => {
  const {a, b} = record;

  // A table whose first column names its lines.
  function table(id, headings, rows, kind = "table.numbers") {
    return element("div.wide", {tabindex: "0", role: "region", "aria-labelledby": id}, element(kind, {},
      element("thead", {}, element("tr", {}, headings.map((text) => element("th", {scope: "col"}, text)))),
      element("tbody", {}, rows.map(([name, ...cells]) => element("tr", {}, element("th", {scope: "row"}, element("bdi", {}, name)),
        cells.map((text) => element("td", {}, element("bdi", {}, text === "" ? "—" : text))))))));
  }

  // The difference and its interval on a line that shows 0, too.
  function scale() {
    const reach = Math.max(0.005, 1.15 * Math.max(Math.abs(record.low), Math.abs(record.high)));
    const place = (share) => percent(Math.min(1, Math.max(0, (share + reach) / (2 * reach))));
    const mark = (kind, left, width) => {
      const made = element(`span.${kind}`);
      made.style.left = left;
      if (width !== undefined) made.style.width = width;
      return made;
    };
    const end = `${(100 * Math.min(1, reach)).toFixed(1)}`;
    return element("div.scale", {role: "img", "aria-label": `B over A: ${record.difference_text} points, 95% interval ${record.interval_text}`},
      element("div.bar", {}, mark("interval", place(record.low), percent((record.high - record.low) / (2 * reach))),
        mark("base", "50%"), mark("point", place(record.difference))),
      element("div.ends", {}, element("span", {}, `${end} points for A`), element("span", {}, `${end} for B`)),
      element("ul.key", {},
        element("li", {}, element("span.swatch.point"), `B over A: ${record.difference_text} points`),
        element("li", {}, element("span.swatch.interval"), `95% interval: ${record.interval_text}`),
        element("li", {}, element("span.swatch.base"), "no difference")));
  }

  function inWords() {
    page.append(element("header", {},
      element("p.brand", {}, "Mudra report: two runs compared"),
      element("h1", {}, element("bdi", {}, record.title)),
      element("div.hero", {}, element("p.figure", {}, element("strong", {}, record.difference_text), " points"), scale()),
      element("p.lead", {}, record.verdict), record.remarks.map((text) => element("p", {}, rich(text)))));
    section("runs", "The two runs", table("runs", ["", "run", "right", "95% interval"],
      [["A", a.name, a.accuracy, `${a.low} to ${a.high}`], ["B", b.name, b.accuracy, `${b.low} to ${b.high}`]], "table.numbers.runs"),
    element("p.note", {}, `Both were asked about the same ${plural(record.n, "picture")}. Only A is right on ${count(record.only_a_right)}, ` +
      `only B on ${count(record.only_b_right)}; on the others both are right or both are wrong.`));
  }

  function pictures() {
    const titles = ["Only B is right", "Only A is right", "Both are wrong, with different answers"];
    const all = record.disagreements.reduce((sum, kind) => sum + kind.count, 0);
    const made = section("disagreements", "Where they disagree",
      element("p.note", {}, all === 0 ? "Both gave the same answer for every picture." : `They gave different answers for ${plural(all, "picture")}. The surest mistakes come first; the percentage is the probability the model gave.`),
      record.missing === "" ? null : element("p.note", {}, record.missing));
    if (record.missing !== "") return;
    record.disagreements.forEach((kind, at) => {
      if (kind.count === 0) return;
      const tiles = element("div.tiles", {}, kind.pictures.slice(0, 24).map(tile));
      made.append(element("h3", {}, `${titles[at]}: ${plural(kind.count, "picture")}`), tiles);
      const later = kind.pictures.slice(24);
      if (later.length > 0) made.append(more(`Show ${count(later.length)} more`, () => tiles.append(...later.map(tile))));
      if (kind.pictures.length < kind.count)
        made.append(element("p.note", {}, `The page has room for ${count(kind.pictures.length)} of them.`));
    });
  }

  function tile(picture) {
    const answer = (who, text, sure) => {
      const right = text === picture.truth;
      return element(`span.${right ? "answer" : "answer.mistaken"}`, {}, element("span", {}, `${who} ${right ? "✓" : "✗"} `,
        element("bdi.name", {title: text}, text)), element("span", {}, sure));
    };
    return element("figure.tile", {},
      frame(picture, `Row ${picture.row}: ${picture.truth}, A answered ${picture.a}, B ${picture.b}`),
      element("figcaption", {}, answer("A", picture.a, picture.sure_a), answer("B", picture.b, picture.sure_b),
        element("span.truth", {}, element("span", {}, "labelled ", element("bdi.name", {title: picture.truth}, picture.truth))), whence(picture)));
  }

  function numbers() {
    const headings = (what) => [what, "pictures", "A right", "B right", "B over A", "only A right", "only B right"];
    section("tests", "How sure that is", table("tests", ["test", "of", "p-value", ""], record.tests, "table.numbers.tests"),
      element("p.note", {}, "p is the probability of a difference this large or larger if both were equally good and chance alone decided. " +
        "It does not say how large the difference is: the interval does."));
    const listed = (rows) => rows.length > 30 ? [...rows].sort((x, y) => Math.abs(Number(y[4])) - Math.abs(Number(x[4]))).slice(0, 30) : rows;
    const note = (rows) => rows.length > 30 ? element("p.note", {}, `The 30 of ${count(rows.length)} that differ most.`) : null;
    section("classes", "By class", note(record.per_class), table("classes", headings("class"), listed(record.per_class), "table.numbers.paired"));
    if (record.groups.length > 0) section("groups", "By group", note(record.groups), table("groups", headings("group"), listed(record.groups), "table.numbers.paired"));
    section("options", "Options that differ", record.options.length === 0 ?
      element("p.note", {}, "None that is known.") : table("options", ["option", "A", "B"], record.options, "table.numbers.options"));
  }

  inWords();
  pictures();
  numbers();
})();
