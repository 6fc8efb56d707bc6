// The pieces of a plot as SVG: what the soak and the bench draw with. A plot has a background of its own, since a page
// is not always in the colors of the reader's system.

/** @typedef {Record<string, string | number>} Attributes */

const escaped = (/** @type {string} */ text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** A tenth of a unit is finer than anyone sees. */
export const at = (/** @type {number} */ number) => String(Number(number.toFixed(1)));

/** @param {string} name @param {Attributes} attributes @param {string} [content] Markup, already escaped. */
function element(name, attributes, content) {
  const pairs = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escaped(typeof value === "number" ? at(value) : value)}"`,
  );
  const opening = `<${name}${pairs.join("")}`;
  return content === undefined ? `${opening}/>` : `${opening}>${content}</${name}>`;
}

export const text = (
  /** @type {number} */ x,
  /** @type {number} */ y,
  /** @type {string | number} */ what,
  /** @type {Attributes} */ more = {},
) => element("text", { x, y, ...more }, escaped(String(what)));

export const rectangle = (
  /** @type {{ x: number, y: number, width: number, height: number }} */ place,
  /** @type {string} */ fill,
) => element("rect", { ...place, fill });

/** A straight or broken line through points. */
export const line = (
  /** @type {[x: number, y: number][]} */ points,
  /** @type {string} */ stroke,
  /** @type {number} */ width = 1,
) =>
  element("polyline", {
    fill: "none",
    stroke,
    "stroke-width": width,
    points: points.map(([x, y]) => `${at(x)},${at(y)}`).join(" "),
  });

export const MIDDLE = { "text-anchor": "middle" };
export const END = { "text-anchor": "end" };
export const BOLD = { "font-weight": "bold" };

/**
 * A whole drawing.
 * @param {{ title: string, width: number, height: number, fontSize: number }} options
 * @param {string[]} elements In the order in which they cover each other.
 */
export function drawing({ title, width, height, fontSize }, elements) {
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${at(width)} ${at(height)}`,
    "font-family": "sans-serif",
    "font-size": fontSize,
    fill: "#222",
  };
  const background = rectangle({ x: 0, y: 0, width, height }, "white");
  const content = [element("title", {}, escaped(title)), background, ...elements].filter(Boolean);
  return `${element("svg", attributes, `\n${content.join("\n")}\n`)}\n`;
}
