/** What rules can say of how a page looks. */
import assert from "node:assert/strict";
import { screenshot } from "./site.mjs";

export const sizes = { wide: { width: 1440, height: 900 }, medium: { width: 900, height: 1100 }, narrow: { width: 360, height: 740 } };

/** Nothing sticks out, all text can be read, and what can be used has a name. Saves a screenshot, for people to look at. */
export async function looksRight({ page }, name) {
  await screenshot({ page }, name);
  assert.deepEqual(await page.evaluate(cutOff), []);
  assert.deepEqual(await page.evaluate(faintText), []);
  assert.deepEqual(await page.evaluate(nameless), []);
}

/** What takes the focus and has no name, or an id that is not its own. Runs in the page. */
function nameless() {
  const name = (node) =>
    [...(node.labels ?? [])].map((label) => label.textContent).join("") +
    (node.ariaLabel ?? "") +
    (node.getAttribute("aria-labelledby") ?? "");
  const controls = document.querySelectorAll("a, button, summary, input, select, textarea, iframe, [tabindex]");
  const bare = [...controls].filter(
    (node) => node.checkVisibility() && `${name(node)}${node.matches("input, select, textarea") ? "" : node.textContent}`.trim() === "",
  );
  const ids = [...document.querySelectorAll("[id]")].filter(({ id }, n, all) => all.findIndex((node) => node.id === id) < n);
  return [...bare, ...ids].map((node) => node.outerHTML.slice(0, 100));
}

/** What sticks out sideways, of its panel or of the window. Runs in the page. */
function cutOff() {
  const page = document.documentElement.getBoundingClientRect();
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.checkVisibility() && !node.closest(".unseen, .row-name, .row-below, .tag, summary")) // The latter are cut short, with dots.
    .filter((node) => {
      const [inner, outer] = [node.getBoundingClientRect(), node.parentElement.closest(".panel")?.getBoundingClientRect() ?? page];
      return inner.right > outer.right + 0.5 || inner.left < outer.left - 0.5;
    })
    .map((node) => node.outerHTML.slice(0, 100));
}

/** Text with less contrast than WCAG AA asks for (4.5 to 1). Runs in the page. */
function faintText() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgrounds = (node) => (node ? [...backgrounds(node.parentElement), getComputedStyle(node).backgroundColor] : ["Canvas"]);
  const hasText = (node) =>
    [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim() !== "") || node.placeholder;
  return [...document.body.querySelectorAll("*")]
    .filter((node) => hasText(node) && node.checkVisibility() && !node.closest(".unseen, option, noscript"))
    .map((node) => {
      const behind = backgrounds(node);
      const colour = node.placeholder ? getComputedStyle(node, "::placeholder").color : getComputedStyle(node).color;
      const [light, dark] = [luminance(over(behind)), luminance(over([...behind, colour]))].sort((a, b) => b - a);
      return {
        ratio: (light + 0.05) / (dark + 0.05),
        what: `${node.className} ${node.textContent.slice(0, 40)} ${colour} on ${behind.at(-1)}`,
      };
    })
    .filter(({ ratio }) => !(ratio >= 4.5))
    .map(({ ratio, what }) => `${ratio.toFixed(2)} ${what}`);
}
