// Values of the figures: on hover those of the nearest mark, and for all marks of one
// checkpoint by a slider, which works from the keyboard. Without this script the page is
// whole: each figure has its data folded below it.
// A mark's label reads "102,400 tokens: 0.5M, layer 2, mixed 0.124"; its key is before ": ".
"use strict";
const REACH = 24;  // pixels between the pointer and a mark
const tip = document.body.appendChild(document.createElement("div"));
tip.className = "tip";
tip.hidden = true;

const split = mark => mark.getAttribute("aria-label").split(/: (.*)/s);
const order = key => parseFloat((key.replace(/,/g, "").match(/[\d.]+(e-?\d+)?/) || [0])[0]);

function centre(mark) {
  const box = mark.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

function nearest(marks, x, y) {
  let best = null, least = REACH;
  for (const mark of marks) {
    const [left, top] = centre(mark), distance = Math.hypot(left - x, top - y);
    if (distance < least) [best, least] = [mark, distance];
  }
  return best;
}

function addHover(drawing, marks) {
  drawing.addEventListener("pointermove", event => {
    const mark = nearest(marks, event.clientX, event.clientY);
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.getAttribute("aria-label");
    const [left, top] = centre(mark);
    tip.style.left = `${Math.min(left + 12, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${top + 12}px`;
  });
  drawing.addEventListener("pointerleave", () => { tip.hidden = true; });
}

function addSlider(drawing, marks) {
  const groups = Map.groupBy(marks, mark => split(mark)[0]);
  const keys = [...groups.keys()].sort((a, b) => order(a) - order(b));
  if (keys.length < 2) return;
  const form = document.createElement("div");
  form.className = "slider";
  form.innerHTML = `<label>Values at <input type="range" min="-1" max="${keys.length - 1}" value="-1">
    </label> <output aria-live="polite">all</output><ul hidden></ul>`;
  const [input, output, list] = form.querySelectorAll("input, output, ul");
  input.addEventListener("input", () => {
    const key = keys[input.value], chosen = new Set(groups.get(key));
    output.textContent = input.ariaValueText = key || "all";
    list.hidden = !key;
    list.replaceChildren(...[...chosen].map(mark => {
      const item = document.createElement("li");
      item.textContent = split(mark)[1];
      return item;
    }));
    for (const mark of marks) {
      mark.classList.toggle("chosen", chosen.has(mark));
      mark.classList.toggle("dim", Boolean(key) && !chosen.has(mark));
    }
  });
  drawing.after(form);
}

for (const drawing of document.querySelectorAll(".drawing")) {
  const marks = [...drawing.querySelectorAll(".role-mark [aria-label]")]
    .filter(mark => split(mark).length > 1);
  if (!marks.length) continue;
  addHover(drawing, marks);
  addSlider(drawing, marks);
}
