  // ---- confusions and their pictures. Part of page.js.

  function tile(picture) {
    const right = picture.truth === picture.predicted, refused = picture.predicted < 0;
    return element(right || refused ? "figure.tile" : "figure.tile.wrong", {"data-truth": picture.truth, "data-predicted": picture.predicted},
      frame(picture, `Picture ${picture.row}: ${record.classes[picture.truth]}, ${refused ? "refused" : `answered ${record.classes[picture.predicted]}`}`),
      element("figcaption", {},
        refused ? [element("span.answer", {}, element("span", {}, "refused")),
          element("span.truth", {}, element("span", {}, "seemed ", className(picture.seemed)), element("span", {}, picture.sure))] :
          element("span.answer", {}, element("span", {}, right ? "✓ " : "✗ ", className(picture.predicted)), element("span", {}, picture.sure)),
        right ? null : element("span.truth", {}, element("span", {}, "labelled ", className(picture.truth)), element("span", {}, picture.truth_sure)),
        whence(picture)));
  }

  // A picture as it is labelled and what it seems to show.
  function suspectTile(picture) {
    const image = element("img", {
      src: `data:image/png;base64,${picture.png}`, width: picture.width, height: picture.height,
      alt: `Row ${picture.source_row}: labelled ${record.classes[picture.truth]}, seems to show ${record.classes[picture.suggestion]}`,
    });
    if (Math.max(picture.width, picture.height) <= 64) image.classList.add("small");
    const origin = [`row ${picture.source_row}`, picture.file, picture.group].filter((text) => text !== undefined && text !== "");
    return element("figure.tile", {"data-suspect": picture.source_row},
      element("div.frame", {}, image),
      element("figcaption", {},
        element("span.answer", {}, element("span", {}, className(picture.suggestion), "?"), element("span", {}, picture.sure)),
        element("span.truth", {}, element("span", {}, "labelled ", className(picture.truth))),
        element("span.origin", {title: origin.join(", ")}, element("bdi", {}, origin.join(", ")))));
  }

  const shown = element("div.shown", {"aria-live": "polite"});

  // `most`: so many of them at first.
  function showCell(truth, predicted, images, most = Infinity) {
    const found = record.pictures.filter((picture) => picture.truth === truth && picture.predicted === predicted);
    shown.replaceChildren(
      element("h3", {}, truth === predicted ? ["Rightly ", className(truth)] : predicted < 0 ? [className(truth), " refused"] : [className(truth), " taken for ", className(predicted)], `: ${plural(images, "picture")}`),
      images === 0 ? element("p.note", {}, "There is no such picture.") :
        found.length === 0 ? element("p.note", {}, "The page has room for no picture of these.") :
          element("div.tiles", {}, found.slice(0, most).map(tile)),
      found.length > most ? more(`Show ${count(found.length - most)} more`, () => showCell(truth, predicted, images)) : "",
      found.length > 0 && found.length < images ? element("p.note", {}, `The page has room for ${count(found.length)} of them.`) : "");
  }

  function matrix() {
    const size = record.classes.length, refused = record.confusions.refused;
    const columns = [...record.classes.keys(), ...refused > 0 ? [-1] : []];
    const counts = record.classes.map(() => new Array(columns.length).fill(0));
    for (const [truth, predicted, images] of record.confusions.cells) counts[truth][predicted < 0 ? size : predicted] = images;
    const totals = counts.map((row) => row.reduce((sum, images) => sum + images, 0));
    const cells = [];
    const choose = (cell, most) => {
      for (const other of cells.flat()) other.setAttribute("aria-pressed", String(other === cell.button));
      showCell(cell.truth, cell.predicted, cell.images, most);
    };
    // One stop of the Tab key; arrows go from cell to cell.
    const focus = (truth, predicted) => {
      for (const other of cells.flat()) other.tabIndex = -1;
      cells[truth][predicted].tabIndex = 0;
      cells[truth][predicted].focus();
    };
    const body = counts.map((row, truth) => {
      cells.push([]);
      return element("tr", {}, element("th", {scope: "row"}, className(truth)), row.map((images, column) => {
        const predicted = columns[column];
        const share = totals[truth] === 0 ? 0 : images / totals[truth];
        const shade = images === 0 ? 0 : Math.min(8, 1 + Math.floor(share * 8));
        const button = element(`button.cell.shade-${shade}`, {
          type: "button", tabindex: truth === 0 && column === 0 ? 0 : -1, "aria-pressed": "false",
          "aria-label": `true ${record.classes[truth]}, ${predicted < 0 ? "refused" : `predicted ${record.classes[predicted]}`}: ${plural(images, "picture")}`,
        }, count(images));
        if (images === 0) button.classList.add("none");
        if (truth === predicted) button.classList.add("diagonal");
        if (predicted < 0) button.classList.add("aside");
        cells[truth].push(button);
        button.addEventListener("click", () => { focus(truth, column); choose({button, truth, predicted, images}); });
        button.addEventListener("keydown", (event) => {
          const moves = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -columns.length], End: [0, columns.length]};
          const move = moves[event.key];
          if (move === undefined) return;
          event.preventDefault();
          const within = (at, all) => Math.min(all.length - 1, Math.max(0, at));
          focus(within(truth + move[0], cells), within(column + move[1], columns));
        });
        return element("td", {}, button);
      }));
    });
    const table = element("table.matrix", {"aria-describedby": "matrix-help"},
      element("caption.hidden", {}, "Confusion matrix: true classes down, predicted classes across"),
      element("thead", {},
        element("tr", {}, element("td", {}), element("th.axis", {colspan: size, scope: "colgroup"}, "predicted"), refused > 0 ? element("td", {}) : null),
        element("tr", {}, element("th.axis", {scope: "col"}, "true"), record.classes.map((_, index) => element("th", {scope: "col"}, className(index))),
          refused > 0 ? element("th.axis.aside", {scope: "col"}, "refused") : null)),
      element("tbody", {}, body));
    if (size > 5) table.classList.add("many");
    if (size > 12) table.classList.add("dense");
    section("confusions", "Confusion matrix",
      element("p.note.screen", {id: "matrix-help"}, "Choose a cell to see its pictures: click it, or walk with the arrow keys and press Enter."),
      refusalNote(),
      element("div.beside", {}, element("div.wide", {}, table), shown));
    const [truth, predicted] = record.confusions.cells[0];  // mistakes first, the most frequent of them first
    if (truth !== predicted && predicted >= 0) choose({button: cells[truth][predicted], truth, predicted, images: counts[truth][predicted]}, 14);
  }

  function refusalNote() {
    const {refused, matrix} = record.confusions;
    return refused === 0 ? null : element("p.note", {}, `${plural(refused, "picture")} got no answer: the model was not sure enough. ` +
      `${refused === 1 ? "It stands" : "They stand"} ${matrix ? "in the last column" : "at the end of the list"}, and ${refused === 1 ? "counts" : "count"} as not right.`);
  }

  function confusionList() {
    const most = 30, cells = record.confusions.cells;
    const buttons = [];
    const item = ([truth, predicted, images]) => {
      const button = element("button.confusion", {type: "button", "aria-pressed": "false"},
        element("span", {}, className(truth), ...predicted < 0 ? [" refused"] : [" taken for ", className(predicted)]), element("span.times", {}, count(images)));
      buttons.push(button);
      button.addEventListener("click", () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        showCell(truth, predicted, images);
      });
      return element("li", {}, button);
    };
    const list = element("ol.confusions", {}, cells.slice(0, most).map(item));
    section("confusions", "Mistakes",
      element("p.note", {}, record.confusions.mistakes === 0 ? "No mistake was made." :
        `${count(record.classes.length)} classes are too many for a matrix: the most frequent of ` +
        `${plural(record.confusions.mistakes, "different mistake")}, with how often they were made.`),
      refusalNote(), cells.length === 0 ? null : element("p.note.screen", {}, "Choose one to see its pictures."), list,
      cells.length > most ? more(`Show ${count(cells.length - most)} more`, () => list.append(...cells.slice(most).map(item))) : null,
      shown);
    if (buttons.length > 0) buttons[0].click();
  }
