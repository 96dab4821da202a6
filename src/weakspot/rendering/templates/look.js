// Draws the pictures of a look from the JSON beside it. It loads nothing, and text goes in as text alone.
(() => {
  const data = JSON.parse(document.getElementById("look-data").textContent);
  const root = document.documentElement;
  const { Heat, heats, make, byId, known, decimal, percent, large, signed, most, span, mix, both, readColours } = Drawing;
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
    byId("token-said").textContent = `“${data.tokens[n]}”, place ${n}: ${parts.join("; ") || "no values"}${group}`;
  }

  function listen(place, say) {
    const chips = [...place.querySelectorAll(".tok")];
    const number = (event) => chips.indexOf(event.target.closest(".tok"));
    chips.forEach((chip, n) => { chip.tabIndex = n ? -1 : 0; });
    for (const kind of ["pointerover", "focusin", "click"]) {
      place.addEventListener(kind, (event) => { if (number(event) >= 0) say(number(event), chips); });
    }
    place.addEventListener("keydown", (event) => {
      const next = chips[number(event) + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] || 0)];
      if (!next || next === event.target) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }

  function startTokens() {
    const target = byId("target");
    if (target) listen(target, (n, chips) => { byId("target-said").textContent = `“${data.target[n]}”, place ${n}: ${chips[n].title}`; });
    if (!byId("tokens")) return;
    listen(byId("tokens"), sayToken);
    document.querySelectorAll("[data-measure]").forEach((button) => button.addEventListener("click", () => colourTokens(button.dataset.measure)));
    const first = Object.keys(data.values)[0];
    if (first) colourTokens(first);
  }

  // ---- attention: the grid of heads

  const key = (stack, layer, head) => `${stack} ${layer} ${head}`;
  const heads = new Map(data.heads.map((one) => [key(one[STACK], one[LAYER], one[HEAD]), one]));
  const maps = new Map(data.maps.map((one) => [key(one[0], one[1], one[2]), one]));
  const state = { stack: null, metric: null, name: null, layers: [], drawn: null };
  const scratch = make("canvas");
  let grid = null, map = null;

  function picture(one) {
    const [, , , rows, columns, , , text] = one;
    const bytes = atob(text), packed = Drawing.colours().packed;
    if (scratch.width !== columns || scratch.height !== rows) Object.assign(scratch, { width: columns, height: rows });
    const image = new ImageData(columns, rows);
    const points = new Uint32Array(image.data.buffer);
    for (let n = 0; n < points.length; n += 1) points[n] = packed[bytes.charCodeAt(n)];
    scratch.getContext("2d").putImageData(image, 0, 0);
    return scratch;
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
      if (at === null || !known(one[at])) return Drawing.colours().blank;
      return at === MOVED ? both(one[at], top) : mix(Drawing.colours().ramp, one[at] / top);
    };
    const paint = (context, r, c, box) => {
      const one = at === null && maps.get(key(state.stack, layers[c], r));
      if (one) context.drawImage(picture(one), ...box);
      return Boolean(one);
    };
    const say = (r, c) => { const one = find(r, c); byId("grid-said").textContent = one ? `${one[NAME]}: ${headWords(one)}${known(one[MOVED]) ? `; patched, it moves the log-odds by ${signed(one[MOVED])} nats` : ""}` : ""; };
    grid.mark = null;
    grid.show({ rows: count, columns: layers.length, row: (n) => `H${n}`, column: (n) => `L${layers[n]}`, least: 18, widest: 44, say, pick: (r, c) => pickHead(find(r, c)), colour, paint });
    Object.assign(state, { layers, drawn: `${state.stack} ${state.metric}` });
    markHead();
    gridLegend(at, top);
  }

  function markHead() {
    const chosen = data.heads.find((one) => one[NAME] === state.name);
    if (chosen && chosen[STACK] === state.stack) grid.choose(chosen[HEAD], state.layers.indexOf(chosen[LAYER]));
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
    if (state.drawn === `${state.stack} ${state.metric}`) markHead();
    else drawGrid();
    drawMap(maps.get(key(one[STACK], one[LAYER], one[HEAD])));
  }

  function pickHead(one) {
    if (!one) return;
    openHead(one);
    try {
      history.replaceState(null, "", `#${one[NAME]}`);
    } catch { /* a page inside another's frame has no address of its own */ }
  }

  // the head that copies most, else the one whose patch moves most: something to see before anything is asked
  function firstHead() {
    for (const at of [INDUCTION, MOVED]) {
      const there = data.heads.filter((one) => known(one[at]));
      if (there.length) return there.reduce((a, b) => (Math.abs(b[at]) > Math.abs(a[at]) ? b : a));
    }
    return data.heads[0];
  }

  function drawMap(one) {
    for (const id of ["map", "map-said", "map-top", "map-legend"]) byId(id).hidden = !one;
    if (!one) return;
    const [stack, , , rows, columns, rowTile, columnTile, text] = one;
    const bytes = atob(text), queries = axis(stack, true), keys = axis(stack, false);
    const share = (r, c) => (bytes.charCodeAt(r * columns + c) / 255) ** 2;
    const place = (n, tile, names) => span(n * tile, tile, Math.max(names.length, n * tile + 1));
    const name = (n, tile, names) => (tile === 1 && names[n] !== undefined ? names[n] : place(n, tile, names));
    const told = (n, tile, names, word) => (tile === 1 ? `“${name(n, 1, names)}” (${word} ${n})` : `${word === "key" ? "keys" : "queries"} ${place(n, tile, names)}`);
    const best = (r) => Array.from({ length: columns }, (_, n) => n).sort((a, b) => share(r, b) - share(r, a));
    const say = (r, c) => {
      byId("map-said").textContent = `${told(r, rowTile, queries, "query")} → ${told(c, columnTile, keys, "key")}: ${percent(share(r, c))}`;
      const order = best(r).slice(0, 5).filter((n) => share(r, n) >= 0.0005);
      byId("map-top").textContent = `Most of ${told(r, rowTile, queries, "query")}: ${order.map((n) => `${columnTile === 1 ? `“${name(n, 1, keys)}”` : name(n, columnTile, keys)} ${percent(share(r, n))}`).join(", ") || "nothing"}`;
    };
    map.show({
      rows, columns, words: columnTile === 1, least: 3, widest: 34, say,
      row: (n) => name(n, rowTile, queries), column: (n) => name(n, columnTile, keys), place: (n) => `${n * columnTile}`,
      colour: (r, c) => Drawing.colours().table[bytes.charCodeAt(r * columns + c)],
    });
    say(rows - 1, best(rows - 1)[0]);
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
    let wanted = location.hash.slice(1);
    try { wanted = decodeURIComponent(wanted).toLowerCase(); } catch { /* not every address is well formed */ }
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
    if (!openNamed()) {
      const one = firstHead();
      chooseStack(one[STACK]);
      openHead(one);
    }
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
        colour: (r, c) => (norms[r][c] > 0 ? mix(Drawing.colours().ramp, Math.log(norms[r][c] / low) / (Math.log(high / low) || 1)) : Drawing.colours().blank),
        say: (r, c) => { said.textContent = `${r ? `after layer ${r - 1}` : "embeddings"}, ${tile === 1 ? `“${column(c)}” (position ${c})` : `positions ${column(c)}`}: norm ${large(norms[r][c])}, largest magnitude ${large((largest[r] || [])[c])}`; },
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
    // the last position is the one that answers
    document.querySelectorAll("#lens .tall").forEach((place) => { place.scrollLeft = place.scrollWidth; });
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
