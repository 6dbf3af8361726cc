/** Numbers, durations and bytes for people, and small helpers for the page. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const whole = new Intl.NumberFormat("en");
const few = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** A whole number with separators; a dash for none. */
export function showCount(value) {
  return value === null || value === undefined ? "-" : whole.format(Math.round(value));
}

/** A number with three digits. */
export function showNumber(value) {
  return value === null || value === undefined ? "-" : few.format(value);
}

/** Bytes with a unit. */
export function showBytes(bytes) {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${few.format(value)} ${UNITS[unit]}`;
}

/** Seconds as microseconds, milliseconds or seconds. */
export function showSeconds(seconds) {
  if (seconds === null || seconds === undefined) return "-";
  if (seconds < 1e-3) return `${few.format(seconds * 1e6)} µs`;
  return seconds < 1 ? `${few.format(seconds * 1e3)} ms` : `${few.format(seconds)} s`;
}

/** Milliseconds as days, hours, minutes or seconds. */
export function showDuration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds % 86_400 / 3600)} h`;
}

/** The time of day. */
export function showTime(ms) {
  return new Date(ms).toLocaleTimeString("en-GB");
}

/** The element of that id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element with attributes and children; children are nodes or texts. */
export function make(name, { attributes = {}, children = [] } = {}) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** The same for SVG. */
export function makeShape(name, { attributes = {}, children = [] } = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Sets the text of an element only when it differs, so that screen readers and selections are left in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
