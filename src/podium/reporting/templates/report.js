"use strict";
// Without this script a page shows all the same; with it: hints, order, search, one team.
(() => {
  const FIRST = 30;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const by = (id) => document.getElementById(id);

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  const hint = (event) => {
    const mark = event.target.closest?.("[data-tip]");
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18;
    const fits = below + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(4, x)}px`;
    tip.style.top = `${fits ? below : event.clientY - tip.offsetHeight - 12}px`;
  };
  document.addEventListener("pointermove", hint);
  document.addEventListener("click", hint);
  document.addEventListener("scroll", () => { tip.hidden = true; }, true);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

  const number = (text) => {
    const found = text.replace(/[,%<>]/g, "").match(/^-?\d+(\.\d+)?(?=$|[ (])/);
    return found ? Number(found[0]) : NaN;
  };
  const worth = (row, place) => {
    const text = row.cells[place].textContent.trim();
    return { row, text, value: number(text), none: text === "-" || text === "" };
  };
  const compare = (numeric, way) => (a, b) =>
    a.none - b.none || way * (numeric ? a.value - b.value : a.text.localeCompare(b.text, "en", { numeric: true }));
  for (const table of all("#rows, #team-rows")) {
    const heads = all("thead th", table);
    const body = table.tBodies[0];
    const began = [...body.rows];
    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const cells = began.map((row) => worth(row, place));
        const numeric = cells.every((cell) => cell.none || !Number.isNaN(cell.value));
        const was = head.getAttribute("aria-sort");
        const first = numeric && place > 0 ? "descending" : "ascending";
        const then = first === "ascending" ? "descending" : "ascending";
        const now = was === null ? first : was === first ? then : null;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        table.classList.toggle("sorted", now !== null);
        if (now) {
          head.setAttribute("aria-sort", now);
          cells.sort(compare(numeric, now === "ascending" ? 1 : -1));
        }
        body.append(...cells.map((cell) => cell.row));
        show();
      });
    });
  }

  const board = by("rows");
  let whole = false;
  const texts = new Map();
  const has = (mark, team) => mark.dataset.team === team || (mark.dataset.same ?? "").split(" ").includes(team);
  function show() {
    if (!board) return;
    const words = by("find").value.trim().toLowerCase();
    const team = by("team").value;
    let found = 0;
    for (const row of board.tBodies[0].rows) {
      if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
      const wanted = (team === "" || has(row, team)) && texts.get(row).includes(words);
      found += wanted;
      row.hidden = !wanted || (!whole && found > FIRST);
    }
    const shown = whole ? found : Math.min(found, FIRST);
    by("count").textContent = `${shown.toLocaleString("en")} of ${found.toLocaleString("en")} rows`;
    by("all").hidden = shown === found;
    by("all").textContent = `Show all ${found.toLocaleString("en")} rows`;
  }
  function pick(team) {
    by("team").value = team;
    document.body.classList.toggle("picked", team !== "");
    for (const mark of all("[data-team]")) mark.classList.toggle("chosen", has(mark, team));
    for (const button of all("[data-pick]")) button.setAttribute("aria-pressed", button.dataset.pick === team);
    show();
  }
  if (!board) return;
  for (const name of all("[data-pick]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.pick = name.dataset.pick;
    button.textContent = name.textContent;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => pick(by("team").value === button.dataset.pick ? "" : button.dataset.pick));
    name.replaceWith(button);
  }
  by("find").addEventListener("input", show);
  by("team").addEventListener("change", () => pick(by("team").value));
  by("all").addEventListener("click", () => { whole = true; show(); });
  all(".controls")[0].hidden = false;
  show();
})();
