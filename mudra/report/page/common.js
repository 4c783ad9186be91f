"use strict";
// What the scripts of all pages begin with. Texts of the record come in as text nodes only.
const record = JSON.parse(document.getElementById("record").textContent);
const page = document.getElementById("page");

// element("p.note", {title: "..."}, child, ...): children are texts, elements or lists of them.
function element(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  const made = document.createElement(tag);
  made.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  made.append(...children.flat(2).filter((child) => child !== null));
  return made;
}

function drawing(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const percent = (share) => `${Number((100 * share).toFixed(4))}%`;
// As the words of the report round: 86.25 is 86.2, a half goes to the even digit.
const oneDigit = (share) => {
  const tenths = Math.round(1e6 * share) / 1000;
  const low = Math.floor(tenths);
  const up = tenths - low > 0.5 || (tenths - low === 0.5 && low % 2 === 1);
  return `${((low + up) / 10).toFixed(1)}%`;
};
const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
// Words in backticks, and options, are for a command line: they break nowhere.
const rich = (text) => text.split(/(`[^`]*`|--[a-z][a-z-]*(?: [\d.]*\d)?)/).map((part) =>
  /^(`|--)/.test(part) ? element("code", {}, part.replaceAll("`", "")) : part);
const className = (index) => element("bdi.name", {title: record.classes[index]}, record.classes[index]);

function section(id, title, ...children) {
  const made = element("section", {"aria-labelledby": id}, element("h2", {id}, title), children);
  page.append(made);
  return made;
}

function pairs(rows, kind = "dl") {
  return element(kind, {}, rows.filter(([, text]) => text !== "").map(([name, text]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, element("bdi", {}, text)))));
}

// A button that does its work once.
function more(text, work) {
  const button = element("button.more", {type: "button"}, text);
  button.addEventListener("click", () => { work(); button.remove(); });
  return button;
}

// A picture in its square.
function frame(picture, alt) {
  const image = element("img", {src: `data:image/png;base64,${picture.png}`, width: picture.width, height: picture.height, alt});
  if (Math.max(picture.width, picture.height) <= 64) image.classList.add("small");
  return element("div.frame", {}, image);
}

// Its file and group, as far as they are known.
function whence(picture) {
  const known = [picture.file, picture.group].filter((text) => text !== undefined && text !== "");
  return known.length === 0 ? null : element("span.origin", {title: known.join(", ")}, element("bdi", {}, known.join(", ")));
}

