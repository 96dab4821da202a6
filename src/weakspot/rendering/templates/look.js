"use strict";
// Draws the pictures of a look from the JSON beside it. It loads nothing, and text goes in as text alone.
(() => {
  const data = JSON.parse(document.getElementById("look-data").textContent);
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const heats = [];
  const NAME = 0, STACK = 1, LAYER = 2, HEAD = 3, SINK = 4, PREVIOUS = 5, ENTROPY = 6, SPREAD = 7, DISTANCE = 8, INDUCTION = 9, MOVED = 10, SHARE = 11;
  const METRICS = [
    ["maps", "picture of its attention", null],
    ["sink", "attention to the first token", SINK, 1],
    ["previous", "attention to the token before", PREVIOUS, 1],
    ["entropy", "entropy (nats)", ENTROPY],
    ["spread", "spread (entropy over the most possible)", SPREAD, 1],
    ["distance", "mean distance (tokens)", DISTANCE],
    ["induction", "induction on repeated random tokens", INDUCTION, 1],
    ["moved", "patching: nats moved (an intervention)", MOVED],
  ];

  // ---- small helpers

  function make(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const known = (value) => typeof value === "number" && Number.isFinite(value);
  const decimal = (value, digits = 2) => (known(value) ? value.toFixed(digits).replace("-", "−") : "–");
  const percent = (value) => (known(value) ? `${(value * 100).toFixed(value < 0.0995 ? 1 : 0)}%`.replace("-", "−") : "–");
  const large = (value) => (known(value) ? value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 }) : "–");

  function signed(value, digits = 2) {
    if (!known(value)) return "–";
    const size = Math.abs(value).toFixed(digits);
    return Number(size) === 0 ? size : (value < 0 ? "−" : "+") + size;
  }

  const most = (values) => values.reduce((top, value) => (known(value) ? Math.max(top, Math.abs(value)) : top), 0) || 1;

  function span(start, size, end) {
    const last = Math.min(start + size, end) - 1;
    return last > start ? `${start}–${last}` : `${start}`;
  }

  // ---- colours, read from the page's own style so that they follow its theme

  let colours = null;

  function rgb(name) {
    const hex = getComputedStyle(root).getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }

  function mix(stops, part) {
    const place = Math.min(1, Math.max(0, part)) * (stops.length - 1);
    const at = Math.min(stops.length - 2, Math.floor(place));
    return stops[at].map((low, n) => Math.round(low + (stops[at + 1][n] - low) * (place - at)));
  }

  const css = (colour) => `rgb(${colour.join(",")})`;
  const both = (value, top) => (value < 0 ? mix([colours.middle, colours.hurts], -value / top) : mix([colours.middle, colours.helps], value / top));

  function readColours() {
    const ramp = ["--q0", "--q1", "--q2", "--q3", "--q4"].map(rgb);
    colours = { ramp, middle: rgb("--middle"), helps: rgb("--helps"), hurts: rgb("--hurts"), muted: rgb("--muted"), blank: rgb("--blank") };
    colours.table = Array.from({ length: 256 }, (_, n) => mix(ramp, n / 255));
  }

  // ---- a heat map on a canvas: pointer, keyboard, labels that appear where they fit

  class Heat {
    // spec: rows, columns, row(n), column(n), words, least, widest, tallest, label, say(r, c), pick?(r, c), colour(r, c) or paint(context, r, c, box)
    constructor(place, label) {
      this.place = place;
      this.canvas = make("canvas");
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "application");
      this.canvas.setAttribute("aria-label", label);
      this.cursor = make("i", "cursor");
      this.chosen = make("i", "chosen");
      this.cursor.hidden = this.chosen.hidden = true;
      place.append(this.canvas, this.cursor, this.chosen);
      this.run = 0;
      this.at = [0, 0];
      this.canvas.addEventListener("pointermove", (event) => this.point(event, false));
      this.canvas.addEventListener("click", (event) => this.point(event, true));
      this.canvas.addEventListener("pointerleave", () => { this.cursor.hidden = true; });
      this.canvas.addEventListener("keydown", (event) => this.key(event));
      this.seen = false;
      new IntersectionObserver((entries) => {
        if (!this.seen && entries.some((entry) => entry.isIntersecting)) { this.seen = true; this.draw(); }
      }, { rootMargin: "300px" }).observe(place);
      heats.push(this);
    }

    show(spec) {
      this.spec = spec;
      this.at = [0, 0];
      this.cursor.hidden = this.chosen.hidden = true;
      if (this.seen) this.draw();
    }

    measure(context) {
      const { rows, columns, row, column, words } = this.spec;
      context.font = "11px system-ui, sans-serif";
      const widest = (count, name) => {
        let width = 0;
        for (let n = 0; n < count; n += 1) width = Math.max(width, context.measureText(name(n)).width);
        return Math.min(150, Math.ceil(width)) + 8;
      };
      this.left = widest(rows, row);
      const room = this.place.clientWidth - this.left - 4;
      this.w = Math.max(this.spec.least, Math.min(this.spec.widest, room / columns));
      if (this.w > 4) this.w = Math.floor(this.w);
      this.h = Math.min(this.w, this.spec.tallest || this.w);
      this.upright = words && this.w >= 11;
      this.top = this.upright ? widest(columns, column) : 18;
    }

    draw() {
      if (!this.spec || !colours) return;
      const context = this.canvas.getContext("2d");
      this.measure(context);
      const width = this.left + this.w * this.spec.columns + 2, height = this.top + this.h * this.spec.rows + 2;
      const scale = window.devicePixelRatio || 1;
      this.canvas.width = Math.ceil(width * scale);
      this.canvas.height = Math.ceil(height * scale);
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
      context.scale(scale, scale);
      this.names(context);
      this.run += 1;
      this.fill(context, 0, this.run);
      if (this.mark) this.frame(this.chosen, ...this.mark);
    }

    names(context) {
      const { rows, columns, row, column } = this.spec;
      context.font = "11px system-ui, sans-serif";
      context.fillStyle = css(colours.muted);
      context.textBaseline = "middle";
      context.textAlign = "right";
      const every = Math.max(1, Math.ceil(11 / this.h));
      for (let r = 0; r < rows; r += every) context.fillText(row(r), this.left - 5, this.top + (r + 0.5) * this.h, this.left - 5);
      context.textAlign = this.upright ? "left" : "center";
      const step = this.upright ? 1 : Math.max(1, Math.ceil(30 / this.w));
      for (let c = 0; c < columns; c += step) {
        context.save();
        context.translate(this.left + (c + 0.5) * this.w, this.upright ? this.top - 4 : this.top - 8);
        if (this.upright) context.rotate(-Math.PI / 2);
        context.fillText(this.upright || !this.spec.words ? column(c) : this.spec.place(c), 0, 0, this.upright ? this.top - 6 : 200);
        context.restore();
      }
    }

    // a column at a time, and a pause where it takes long: a thousand pictures must not freeze the page
    fill(context, from, run) {
      const started = performance.now();
      const gap = this.w > 7 && this.h > 7 ? 1 : 0;
      for (let c = from; c < this.spec.columns; c += 1) {
        for (let r = 0; r < this.spec.rows; r += 1) {
          const box = [this.left + c * this.w, this.top + r * this.h, this.w - gap, this.h - gap];
          if (this.spec.paint && this.spec.paint(context, r, c, box)) continue;
          const colour = this.spec.colour(r, c);
          if (!colour) continue;
          context.fillStyle = css(colour);
          context.fillRect(...box);
        }
        if (performance.now() - started > 60 && c + 1 < this.spec.columns) {
          setTimeout(() => { if (run === this.run) this.fill(context, c + 1, run); }, 0);
          return;
        }
      }
    }

    frame(mark, r, c) {
      Object.assign(mark.style, { left: `${this.left + c * this.w - 2}px`, top: `${this.top + r * this.h - 2}px`, width: `${this.w + 3}px`, height: `${this.h + 3}px` });
      mark.hidden = false;
    }

    choose(r, c) {
      this.mark = [r, c];
      if (this.seen && this.spec) this.frame(this.chosen, r, c);
    }

    go(r, c, pick) {
      if (!this.spec || r < 0 || c < 0 || r >= this.spec.rows || c >= this.spec.columns) return;
      this.at = [r, c];
      this.frame(this.cursor, r, c);
      this.spec.say(r, c);
      if (pick && this.spec.pick) this.spec.pick(r, c);
    }

    point(event, pick) {
      const box = this.canvas.getBoundingClientRect();
      this.go(Math.floor((event.clientY - box.top - this.top) / this.h), Math.floor((event.clientX - box.left - this.left) / this.w), pick);
    }

    key(event) {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Enter: [0, 0], " ": [0, 0] }[event.key];
      if (!move) return;
      event.preventDefault();
      this.go(this.at[0] + move[0], this.at[1] + move[1], event.key === "Enter" || event.key === " ");
    }
  }

  // ---- tokens

  const UNITS = { surprisal: "bits" };

  function colourTokens(name) {
    const values = data.values[name], top = most(values), single = name === "surprisal";
    byId("tokens").querySelectorAll(".tok").forEach((chip, n) => {
      const value = values[n];
      chip.className = `tok ${single || !known(value) ? "plain" : value < 0 ? "down" : "up"}`;
      chip.style.setProperty("--v", `${known(value) ? Math.min(1, Math.abs(value) / top) * 62 : 0}%`);
    });
    const [low, bar, high, words] = byId("token-legend").children;
    const unit = UNITS[name] || "nats";
    low.textContent = single ? "0" : `${signed(-top)}`;
    high.textContent = `${single ? decimal(top, 1) : signed(top)} ${unit}`;
    bar.className = single ? "single" : "diverging";
    words.textContent = single ? "how surprising the token is, given those before it" : "orange: makes the answer less likely; blue: likelier";
    document.querySelectorAll("[data-measure]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.measure === name)));
  }

  function sayToken(n) {
    const parts = Object.entries(data.values).map(([name, values]) => {
      const value = values[n], words = document.querySelector(`[data-measure="${name}"]`).textContent;
      return `${words} ${name === "surprisal" ? `${decimal(value)} bits` : `${signed(value, 3)} nats`}`;
    });
    const group = data.groups[n] === null ? "" : ` (ablated with its group, number ${data.groups[n]})`;
    byId("token-said").textContent = `${data.tokens[n]}, place ${n}: ${parts.join("; ") || "no values"}${group}`;
  }

  function startTokens() {
    const place = byId("tokens");
    if (!place) return;
    const chips = [...place.querySelectorAll(".tok")];
    const number = (event) => chips.indexOf(event.target.closest(".tok"));
    chips.forEach((chip, n) => { chip.tabIndex = n ? -1 : 0; });
    for (const kind of ["pointerover", "focusin", "click"]) {
      place.addEventListener(kind, (event) => { if (number(event) >= 0) sayToken(number(event)); });
    }
    place.addEventListener("keydown", (event) => {
      const next = chips[number(event) + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] || 0)];
      if (!next || next === event.target) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
    document.querySelectorAll("[data-measure]").forEach((button) => button.addEventListener("click", () => colourTokens(button.dataset.measure)));
    const first = Object.keys(data.values)[0];
    if (first) colourTokens(first);
  }

  // ---- attention: the grid of heads

  const key = (stack, layer, head) => `${stack} ${layer} ${head}`;
  const heads = new Map(data.heads.map((one) => [key(one[STACK], one[LAYER], one[HEAD]), one]));
  const maps = new Map(data.maps.map((one) => [key(one[0], one[1], one[2]), one]));
  const state = { stack: null, metric: null, name: null };
  let grid = null, map = null;

  function picture(one) {
    const [, , , rows, columns, , , text] = one;
    const bytes = atob(text);
    const canvas = make("canvas");
    canvas.width = columns;
    canvas.height = rows;
    const image = new ImageData(columns, rows);
    for (let n = 0; n < rows * columns; n += 1) {
      const colour = colours.table[bytes.charCodeAt(n)];
      image.data.set([colour[0], colour[1], colour[2], 255], n * 4);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  function headWords(one) {
    const parts = [`${percent(one[SINK])} of its attention goes to the first token`];
    if (known(one[PREVIOUS])) parts.push(`${percent(one[PREVIOUS])} to the token before`);
    if (known(one[DISTANCE])) parts.push(`it looks ${decimal(one[DISTANCE], 1)} tokens away on average`);
    parts.push(`entropy ${decimal(one[ENTROPY])} nats, ${decimal(one[SPREAD])} of the most possible`);
    if (known(one[INDUCTION])) {
      const above = known(data.threshold) ? (one[INDUCTION] >= data.threshold ? ", above the threshold" : ", below the threshold") : "";
      parts.push(`induction ${decimal(one[INDUCTION])}${above}`);
    }
    return parts.join("; ");
  }

  function drawGrid() {
    const mine = data.heads.filter((one) => one[STACK] === state.stack);
    const [, , at, fixed] = METRICS.find(([name]) => name === state.metric);
    const top = fixed || most(mine.map((one) => one[at]));
    const layers = [...new Set(mine.map((one) => one[LAYER]))].sort((a, b) => a - b);
    const count = 1 + mine.reduce((high, one) => Math.max(high, one[HEAD]), 0);
    const find = (r, c) => heads.get(key(state.stack, layers[c], r));
    const colour = (r, c) => {
      const one = find(r, c);
      if (!one) return null;
      if (at === null || !known(one[at])) return colours.blank;
      return at === MOVED ? both(one[at], top) : mix(colours.ramp, one[at] / top);
    };
    const paint = (context, r, c, box) => {
      const one = at === null && maps.get(key(state.stack, layers[c], r));
      if (one) context.drawImage(picture(one), ...box);
      return Boolean(one);
    };
    const say = (r, c) => { const one = find(r, c); byId("grid-said").textContent = one ? `${one[NAME]}: ${headWords(one)}` : ""; };
    grid.mark = null;
    grid.show({ rows: count, columns: layers.length, row: (n) => `H${n}`, column: (n) => `L${layers[n]}`, least: 18, widest: 44, say, pick: (r, c) => openHead(find(r, c)), colour, paint });
    const chosen = data.heads.find((one) => one[NAME] === state.name);
    if (chosen && chosen[STACK] === state.stack) grid.choose(chosen[HEAD], layers.indexOf(chosen[LAYER]));
    gridLegend(at, top);
  }

  function gridLegend(at, top) {
    const legend = byId("grid-legend");
    legend.replaceChildren();
    const digits = top <= 1 ? 1 : 2;
    legend.append(
      make("span", "num", at === MOVED ? signed(-top) : "0"),
      make("i", at === MOVED ? "diverging" : "sequential"),
      make("span", "num", at === null ? "100%" : at === MOVED ? signed(top) : decimal(top, digits)),
      make("small", "", at === null ? "each square: queries downwards, keys across, on a square-root scale" : "grey: not measured"),
    );
  }

  // ---- attention: one head, large

  function axis(stack, rows) {
    if (stack === "decoder") return data.target.length ? data.target : data.tokens;
    return rows && stack === "cross" ? data.target : data.tokens;
  }

  function openHead(one) {
    if (!one) return;
    state.name = one[NAME];
    byId("head").hidden = false;
    byId("head-name").textContent = `Head ${one[NAME]}`;
    const words = headWords(one);
    byId("head-words").textContent = `${words[0].toUpperCase()}${words.slice(1)}. This is where it looks, not what it does.`;
    const said = [...(data.said[one[NAME]] || [])];
    if (known(one[MOVED])) said.unshift(`Its result, put in from the second prompt, moves the log-odds by ${signed(one[MOVED])} nats${known(one[SHARE]) ? `, ${percent(one[SHARE])} of the way` : ""}.`);
    byId("head-causal").replaceChildren(...(said.length ? said : ["Nothing was changed in this head, so what it carries is not known."]).map((text) => make("li", "x", text)));
    drawGrid();
    drawMap(maps.get(key(one[STACK], one[LAYER], one[HEAD])));
    try {
      history.replaceState(null, "", `#${one[NAME]}`);
    } catch { /* a page inside another's frame has no address of its own */ }
  }

  function drawMap(one) {
    for (const id of ["map", "map-said", "map-top", "map-legend"]) byId(id).hidden = !one;
    if (!one) return;
    const [stack, , , rows, columns, rowTile, columnTile, text] = one;
    const bytes = atob(text), queries = axis(stack, true), keys = axis(stack, false);
    const share = (r, c) => (bytes.charCodeAt(r * columns + c) / 255) ** 2;
    const place = (n, tile, names) => span(n * tile, tile, Math.max(names.length, n * tile + 1));
    const name = (n, tile, names) => (tile === 1 && names[n] !== undefined ? names[n] : place(n, tile, names));
    const told = (n, tile, names, word) => (tile === 1 ? `${name(n, 1, names)} (${word} ${n})` : `${word === "key" ? "keys" : "queries"} ${place(n, tile, names)}`);
    const say = (r, c) => {
      byId("map-said").textContent = `${told(r, rowTile, queries, "query")} → ${told(c, columnTile, keys, "key")}: ${percent(share(r, c))}`;
      const order = Array.from({ length: columns }, (_, n) => n).sort((a, b) => share(r, b) - share(r, a)).slice(0, 5).filter((n) => share(r, n) > 0);
      byId("map-top").textContent = `Most of ${told(r, rowTile, queries, "query")}: ${order.map((n) => `${name(n, columnTile, keys)} ${percent(share(r, n))}`).join(", ") || "nothing"}`;
    };
    map.show({
      rows, columns, words: columnTile === 1, least: 3, widest: 34, say,
      row: (n) => name(n, rowTile, queries), column: (n) => name(n, columnTile, keys), place: (n) => place(n, columnTile, keys),
      colour: (r, c) => colours.table[bytes.charCodeAt(r * columns + c)],
    });
    say(rows - 1, 0);
  }

  function options(select, pairs, chosen) {
    select.replaceChildren(...pairs.map(([value, text]) => { const one = make("option", "", text); one.value = value; one.selected = value === chosen; return one; }));
  }

  function chooseStack(stack) {
    state.stack = stack;
    const there = METRICS.filter(([, , at]) => data.heads.some((one) => one[STACK] === stack && (at === null ? maps.has(key(stack, one[LAYER], one[HEAD])) : known(one[at]))));
    if (!there.some(([name]) => name === state.metric)) state.metric = (there[0] || METRICS[1])[0];
    options(byId("metric"), there, state.metric);
    byId("stack").value = stack;
  }

  function openNamed() {
    const wanted = decodeURIComponent(location.hash.slice(1)).toLowerCase();
    const one = data.heads.find((head) => head[NAME].toLowerCase() === wanted);
    if (one) {
      chooseStack(one[STACK]);
      openHead(one);
    }
    return Boolean(one);
  }

  function startAttention() {
    if (!data.heads.length) return;
    grid = new Heat(byId("grid"), "Heads: layers across, heads downwards. Arrow keys move, Enter opens a head.");
    map = new Heat(byId("map"), "One head's attention: queries downwards, keys across. Arrow keys move.");
    const stacks = [...new Set(data.heads.map((one) => one[STACK]))];
    options(byId("stack"), stacks.map((stack) => [stack, stack]), stacks[0]);
    byId("stack-pick").hidden = stacks.length < 2;
    byId("stack").addEventListener("change", (event) => { chooseStack(event.target.value); drawGrid(); });
    byId("metric").addEventListener("change", (event) => { state.metric = event.target.value; drawGrid(); });
    window.addEventListener("hashchange", openNamed);
    chooseStack(stacks[0]);
    if (!openNamed()) drawGrid();
  }

  // ---- residual stream

  function startStream() {
    document.querySelectorAll(".stream").forEach((place, n) => {
      const [stack, tile, norms, largest] = data.residual[n];
      const values = norms.flat().filter((value) => value > 0);
      if (!values.length) return;
      const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
      const names = stack === "encoder" || !data.target.length ? data.tokens : data.target;
      const column = (c) => (tile === 1 && names[c] !== undefined ? names[c] : span(c * tile, tile, Math.max(names.length, c * tile + 1)));
      const said = place.querySelector(".said");
      const [first, , last] = place.querySelector(".ramp").children;
      [first.textContent, last.textContent] = [large(low), large(high)];
      new Heat(place.querySelector(".canvas"), "Norms of the residual stream: layers downwards, positions across.").show({
        rows: norms.length, columns: norms[0].length, words: tile === 1, least: 6, widest: 40, tallest: 16, column,
        row: (r) => (r ? `${r - 1}` : "emb."), place: (c) => `${c * tile}`,
        colour: (r, c) => (norms[r][c] > 0 ? mix(colours.ramp, Math.log(norms[r][c] / low) / (Math.log(high / low) || 1)) : colours.blank),
        say: (r, c) => { said.textContent = `${r ? `after layer ${r - 1}` : "embeddings"}, ${tile === 1 ? `${column(c)} (position ${c})` : `positions ${column(c)}`}: norm ${large(norms[r][c])}, largest magnitude ${large((largest[r] || [])[c])}`; },
      });
    });
  }

  // ---- start

  function redraw() {
    readColours();
    for (const one of heats) if (one.seen) one.draw();
  }

  function start() {
    root.classList.add("js");
    readColours();
    startTokens();
    startAttention();
    startStream();
    for (const query of ["(prefers-color-scheme: dark)", "print"]) window.matchMedia(query).addEventListener("change", redraw);
    window.addEventListener("beforeprint", () => { for (const one of heats) { one.seen = true; } redraw(); });
    let width = window.innerWidth, timer = 0;
    window.addEventListener("resize", () => {
      if (window.innerWidth === width) return;
      width = window.innerWidth;
      clearTimeout(timer);
      timer = setTimeout(redraw, 120);
    });
    root.dataset.drawn = "yes";
  }

  start();
})();
