// Passages of the answer: what is selected in the rendered text, as characters of the raw text, and back.
// Every <span data-at="n"> shows the raw text from character n on. The server counts code points, JavaScript
// UTF-16 units: 😀 is one there and two here.
"use strict";

const Marks = (() => {
  const points = (text) => [...text].length;

  function runsOf(root) {
    const runs = [];
    for (const span of root.querySelectorAll("span[data-at]")) {
      const node = span.firstChild;
      if (node) runs.push({ at: Number(span.dataset.at), node, text: node.data, block: span.closest("p, li, td, th, pre, h1, h2, h3, h4, h5, h6") ?? root });
    }
    return runs;
  }

  // [start, end] in characters of the raw text, or null if nothing of it is selected.
  function spanOf(root, range) {
    let found = null;
    for (const { at, node, text } of runsOf(root)) {
      if (!range.intersectsNode(node)) continue;
      let start = range.startContainer === node ? range.startOffset : 0;
      let end = range.endContainer === node ? range.endOffset : text.length;
      while (start < end && /\s/.test(text[start])) start += 1;
      while (end > start && /\s/.test(text[end - 1])) end -= 1;
      if (start >= end) continue;
      const last = at + points(text.slice(0, end));
      found = [found ? found[0] : at + points(text.slice(0, start)), last];
    }
    return found;
  }

  // The pieces of the page that show a span, as {node, start, end} in UTF-16 units.
  function piecesOf(root, [from, to]) {
    const pieces = [];
    for (const { at, node, text } of runsOf(root)) {
      const letters = [...text];
      const start = Math.max(0, from - at);
      const end = Math.min(letters.length, to - at);
      if (start >= end) continue;
      const before = letters.slice(0, start).join("").length;
      pieces.push({ node, start: before, end: before + letters.slice(start, end).join("").length });
    }
    return pieces;
  }

  const rangesOf = (root, span) => piecesOf(root, span).map(({ node, start, end }) => {
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, end);
    return range;
  });

  const textOf = (root, span) => piecesOf(root, span).map(({ node, start, end }) => node.data.slice(start, end)).join("");

  // The sentences of the answer in order, as spans of the raw text.
  function sentencesOf(root) {
    const sentences = [];
    let block = null;
    let letters = [];
    const cut = () => {
      let start = 0;
      for (let place = 0; place < letters.length; place += 1) {
        const next = letters[place + 1];
        const ends = /[。！？!?；;\n]/.test(letters[place].letter) && !(next && /[。！？!?；;”’」』）)]/.test(next.letter));
        const closes = /[”’」』）)]/.test(letters[place].letter) && place > start && /[。！？!?]/.test(letters[place - 1].letter);
        if (!ends && !closes && next) continue;
        const piece = letters.slice(start, place + 1);
        if (piece.some(({ letter }) => /[\p{L}\p{N}]/u.test(letter))) sentences.push([piece[0].at, piece[piece.length - 1].at + 1]);
        start = place + 1;
      }
    };
    for (const run of runsOf(root)) {
      if (run.block !== block) {
        cut();
        letters = [];
        block = run.block;
      }
      [...run.text].forEach((letter, offset) => letters.push({ letter, at: run.at + offset }));
    }
    cut();
    return sentences;
  }

  const read = (written) => [...written.matchAll(/(\d+)-(\d+)/g)].map(([, start, end]) => [Number(start), Number(end)]);
  const write = (spans) => spans.map(([start, end]) => `${start}-${end}`).join(",");

  // Overlapping passages of one criterion become one.
  function add(spans, span) {
    let [start, end] = span;
    const others = [];
    for (const [from, to] of spans) {
      if (to < start || from > end) others.push([from, to]);
      else [start, end] = [Math.min(start, from), Math.max(end, to)];
    }
    return [...others, [start, end]].sort((one, other) => one[0] - other[0]);
  }

  // Colours text without touching the page's elements; where a browser cannot, the passages stand in the list alone.
  function paint(name, ranges) {
    if (!globalThis.CSS?.highlights) return;
    if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
    else CSS.highlights.delete(name);
  }

  return { spanOf, rangesOf, textOf, sentencesOf, read, write, add, paint };
})();
