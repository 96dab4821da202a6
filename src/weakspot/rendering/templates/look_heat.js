"use strict";
// Heat maps on a canvas, and the colours and figures they need. look.js follows it in the same script.
const Drawing = (() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const heats = [];
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
    // the same as a canvas keeps them, a pixel in one number
    const bytes = Uint8ClampedArray.from(colours.table.flatMap((colour) => [...colour, 255]));
    colours.packed = new Uint32Array(bytes.buffer);
  }

  // ---- a heat map on a canvas: pointer, keyboard, labels that appear where they fit

  class Heat {
    // spec: rows, columns, row(n), column(n), place?(n): a column's short name, words: columns are words, least and widest
    // (a cell's width), tallest?, say(r, c), pick?(r, c), colour(r, c), paint?(context, r, c, box): whether it drew the cell
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
      this.seen = this.seen || this.near();
      if (this.seen) this.draw();
    }

    near() {
      const box = this.place.getBoundingClientRect();
      return this.place.clientWidth > 0 && box.top < window.innerHeight + 300 && box.bottom > -300;
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
      const room = this.place.clientWidth - this.left - 16;
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
      const width = this.left + this.w * this.spec.columns + 14, height = this.top + this.h * this.spec.rows + 2;
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
      const short = this.spec.place || column;
      const step = this.upright ? 1 : Math.max(1, Math.ceil(34 / this.w));
      for (let c = 0; c < columns; c += step) {
        context.save();
        context.translate(this.left + (c + 0.5) * this.w, this.upright ? this.top - 4 : this.top - 8);
        if (this.upright) context.rotate(-Math.PI / 2);
        context.fillText(this.upright ? column(c) : short(c), 0, 0, this.upright ? this.top - 6 : 200);
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

  return { Heat, heats, make, byId, known, decimal, percent, large, signed, most, span, mix, both, readColours, colours: () => colours };
})();
