// The page is whole without this: it adds a text filter, sorting, and the reader's own time zone.
"use strict";
(() => {
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  for (const time of all("time")) {
    const moment = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  }
  // A link to a test opens it.
  const open = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.matches("details")) target.open = true;
  };
  addEventListener("hashchange", open);
  open();

  const form = document.querySelector(".filter");
  if (!form) return;
  document.documentElement.classList.add("scripted");
  const text = document.getElementById("text");
  const sort = document.getElementById("sort");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const tests = all(".test").map((row, index) => ({
    row, index,
    name: row.querySelector(".test-name").textContent,
    words: row.textContent.toLowerCase(),
    began: Number(row.dataset.began),
    took: Number(row.dataset.took),
    state: row.dataset.state,
  }));

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = new Set(all("input:checked", form).map((input) => input.name));
    let count = 0;
    for (const test of tests) {
      test.row.hidden = !words.every((word) => test.words.includes(word));
      if (!test.row.hidden && states.has(test.state)) count += 1;
    }
    const narrowed = count < tests.length;
    shown.textContent = narrowed ? `${count} of ${tests.length} shown` : "";
    nothing.hidden = count > 0;
  };

  const states = all("input[type=checkbox]", form).map((input) => input.name);
  const orders = {
    began: (a, b) => a.began - b.began,
    took: (a, b) => b.took - a.took,
    name: (a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)),
    state: (a, b) => states.indexOf(a.state) - states.indexOf(b.state),
  };
  const reorder = () => {
    const order = orders[sort.value];
    for (const test of [...tests].sort((a, b) => order(a, b) || a.index - b.index)) test.row.parentNode.append(test.row);
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  sort.addEventListener("change", reorder);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.matches("input, select")) {
      event.preventDefault();
      text.focus();
    } else if (event.key === "Escape" && event.target === text) {
      text.value = "";
      filter();
    }
  });
  // Scales stay below the filter, however many lines that has.
  const measure = () => {
    const sticky = getComputedStyle(form).position === "sticky";
    document.documentElement.style.setProperty("--bar", sticky ? `${form.offsetHeight}px` : "0px");
  };
  addEventListener("resize", measure);
  measure();
})();
