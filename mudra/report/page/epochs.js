  // ---- epochs that were kept: what the network was, and answered, after each. Part of page.js.

  const after = (number) => number === 0 ? "before training" : `after epoch ${number}`;

  // The confusion matrix of one epoch, whose cells are only looked at.
  function epochMatrix({number, cells}) {
    const counts = record.classes.map(() => new Array(record.classes.length).fill(0));
    for (const [truth, predicted, images] of cells) counts[truth][predicted] = images;
    const body = counts.map((row, truth) => {
      const total = row.reduce((sum, images) => sum + images, 0);
      return element("tr", {}, element("th", {scope: "row"}, className(truth)), row.map((images, predicted) => {
        const shade = images === 0 ? 0 : Math.min(8, 1 + Math.floor(images / total * 8));
        const cell = element(`span.cell.still.shade-${shade}`, {}, count(images));
        if (images === 0) cell.classList.add("none");
        if (truth === predicted) cell.classList.add("diagonal");
        return element("td", {}, cell);
      }));
    });
    const table = element("table.matrix.still", {},
      element("caption.hidden", {}, `Confusion matrix ${after(number)}: true classes down, predicted classes across`),
      element("thead", {},
        element("tr", {}, element("td", {}), element("th.axis", {colspan: record.classes.length, scope: "colgroup"}, "predicted")),
        element("tr", {}, element("th.axis", {scope: "col"}, "true"), record.classes.map((_, index) => element("th", {scope: "col"}, className(index))))),
      element("tbody", {}, body));
    if (record.classes.length > 5) table.classList.add("many");
    if (record.classes.length > 12) table.classList.add("dense");
    return table;
  }

  // A picture and what each epoch answered: the lines stay where they are, whatever the answer.
  function followedTile(picture) {
    const label = record.classes[picture.truth];
    const square = frame(picture, ""), answer = element("span.answer"), share = element("span"), bar = element("span.share", {}, element("span"));
    const figure = element("figure.tile", {"data-row": picture.row}, square, element("figcaption", {}, answer,
      element("span.truth", {}, element("span", {}, "labelled ", className(picture.truth)), share)), bar);
    const show = ([predicted, sure, truthSure, truthShare]) => {
      const isRight = predicted === picture.truth;
      figure.classList.toggle("wrong", !isRight);
      square.firstChild.alt = `Picture ${picture.row}: ${label}, answered ${record.classes[predicted]}`;
      answer.replaceChildren(element("span", {}, isRight ? "✓ " : "✗ ", className(predicted)), element("span", {}, sure));
      share.textContent = truthSure;
      bar.firstChild.style.width = percent(truthShare);
    };
    return {figure, show};
  }

  function weightSheets() {
    const {weights, shown} = record.epochs;
    if (weights === null) return {parts: [], note: "The weights of the first layer are not drawn: it does not look at pixels, or was not trained. ", show: () => {}};
    const all = plural(weights.of, weights.conv ? "filter" : "hidden unit");
    const what = weights.units < weights.of ? `${weights.units} of the ${all}, evenly chosen` : `the ${all}`;
    const images = shown.map(({number, sheet}) => element("img.sheet", {src: `data:image/png;base64,${sheet}`, width: weights.width, height: weights.height, decoding: "sync",
      alt: `${weights.change ? "What has changed in the weights" : "Weights"} of ${what}, ${after(number)}`}));
    const box = element("div.units");
    return {
      show: (at) => box.replaceChildren(images[at]),
      parts: [element("h4", {}, weights.change ? "What has changed in the first layer" : "Weights of the first layer"), box],
      note: `First layer: a picture for each of ${what}. ` + (weights.change ?
        `Colour is how much a weight has changed ${shown[0].number === 0 ? "since training began" : `since epoch ${shown[0].number}`}, red up to +${weights.limit} and blue down to −${weights.limit}. ` +
          `The weights themselves are as large as ${weights.largest} and would look much the same in every epoch. ` :
        `Colour is the weight, red up to +${weights.limit} and blue down to −${weights.limit}, the same in every epoch. `),
    };
  }

  // Returns what to put on the page, and a function that shows one of the epochs.
  function keptEpochs() {
    const {kept, images, pictures, own, shown} = record.epochs;
    const followed = pictures.map(followedTile), sheets = weightSheets();
    const title = element("h3", {id: "epoch-shown"}), right = element("p"), matrix = element("div.wide");
    const list = shown.map(({number}) => number === 0 ? "0 (before training)" : String(number)).join(", ");
    const whole = element("div.of-epoch", {role: "group", "aria-labelledby": "epoch-shown"},
      title,
      element("div.beside", {}, element("div.counted", {}, right, matrix, sheets.parts),
        element("div.followed", {}, element("div.tiles", {}, followed.map(({figure}) => figure)))),
      element("p.note", {}, "The pictures are the same in every epoch. The bar under each is the probability that the network gives to its label. ",
        own ? "It is what the network itself says, before calibration, and nothing is refused. " : "", sheets.note),
      element("p.note", {}, `Epochs kept: ${list}` + (shown.length < kept ? `; the page has room for ${shown.length} of ${kept}, evenly chosen. ` : ". "),
        record.folds.length === 0 ? "" : "They are of the part whose curves are shown. ",
        "The model of each, and its answer for every held-out picture, are in the folder ", element("code", {}, "epochs"), " of the run."));
    const show = (at) => {
      const epoch = shown[at];
      title.textContent = epoch.number === 0 ? "The network before training" : `The network after epoch ${epoch.number}`;
      right.textContent = `Right on ${count(epoch.right)} of ${plural(images, "held-out picture")}`;
      if (epoch.cells !== null) matrix.replaceChildren(epochMatrix(epoch));
      followed.forEach((each, i) => each.show(epoch.answers[i]));
      sheets.show(at);
    };
    return {whole, show};
  }

  // Goes through the epochs by itself, from the first when it stands at the last.
  function playButton(slider, show) {
    const button = element("button.play", {type: "button"}, "Play");
    let timer = null;
    const stop = () => {
      clearInterval(timer);
      timer = null;
      button.textContent = "Play";
    };
    button.addEventListener("click", () => {
      if (timer !== null) return stop();
      if (slider.value === slider.max) show(0);
      button.textContent = "Pause";
      timer = setInterval(() => {
        show(Number(slider.value) + 1);
        if (slider.value === slider.max) stop();
      }, 700);
    });
    slider.addEventListener("input", stop);
    return button;
  }
