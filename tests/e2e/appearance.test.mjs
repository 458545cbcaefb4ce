/** What the page looks like, as far as rules can say; the screenshots are for people to look at. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { screenshot, site } from "./site.mjs";

const { visit } = site();

/** A page with something of everything on it. */
async function busy(t) {
  const page = await visit(t, { reducedMotion: "reduce" });
  await page.started({ id: "invoice", title: "Approve invoice 2031", kind: "Approval" });
  await page.started({ id: "import-without-a-title-and-with-an-id-that-no-column-of-any-layout-can-hold-on-one-line" });
  await page.wait();
  await page.ended("failed", "The file has no header");
  await page.started({ id: "report", title: "Nightly report" });
  for (const percent of [10, 20]) await page.appended({ type: "progress", payload: `{"percent":${percent}}` });
  await page.appended({ type: "note", payload: JSON.stringify({ url: `https://example.com/${"long".repeat(60)}` }), key: "once" });
  await page.wait();
  await page.wait({ type: "progress", timeout: 60 });
  await page.wait({ type: "note", timeout: 0 });
  await page.card("Rejected").waitFor();
  await page.card("progress").getByRole("button", { name: "Abort" }).click();
  await page.card("Aborted").waitFor();
  await page.requestCancel("too late");
  await page.detail.getByText("Cancel was requested").waitFor();
  await page.append({ type: "progress", payload: '{"percent":140}' });
  await page.appendForm.locator(".fault").waitFor();
  return page;
}

/** On a small screen, the list and the process take turns. */
async function openList({ page }) {
  const back = page.getByRole("button", { name: "All processes" });
  if (await back.isVisible()) await back.click();
}

const sizes = { wide: { width: 1440, height: 900 }, medium: { width: 900, height: 1100 }, narrow: { width: 360, height: 740 } };

describe("the page", () => {
  test("fits its window, and all its text can be read", async (t) => {
    const page = await busy(t);
    for (const [name, size] of Object.entries(sizes))
      for (const colorScheme of ["light", "dark"])
        await t.test(`${name} and ${colorScheme}`, async () => {
          await page.page.setViewportSize(size);
          await page.page.emulateMedia({ colorScheme });
          await openList(page);
          await page.select("report");
          await looksRight(page, `${name}-${colorScheme}`);
          await openList(page);
          await looksRight(page, `${name}-${colorScheme}-list`);
        });
  });

  test("moves nothing for those who ask for that", async (t) => {
    const page = await visit(t, { reducedMotion: "reduce" });
    await page.started({ id: "job" });
    await page.appended({ type: "note", payload: "1" });
    assert.equal(await page.page.evaluate(() => document.getAnimations().length), 0);
  });
});

async function looksRight(page, name) {
  await screenshot(page, name);
  assert.deepEqual(await page.page.evaluate(cutOff), []);
  assert.deepEqual(await page.page.evaluate(faintText), []);
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
  const hasText = (node) => [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim() !== "") || node.placeholder;
  return [...document.body.querySelectorAll("*")]
    .filter((node) => hasText(node) && node.checkVisibility() && !node.closest(".unseen, option, noscript"))
    .map((node) => {
      const behind = backgrounds(node);
      const colour = node.placeholder ? getComputedStyle(node, "::placeholder").color : getComputedStyle(node).color;
      const [light, dark] = [luminance(over(behind)), luminance(over([...behind, colour]))].sort((a, b) => b - a);
      return { ratio: (light + 0.05) / (dark + 0.05), what: `${node.className} ${node.textContent.slice(0, 40)} ${colour} on ${behind.at(-1)}` };
    })
    .filter(({ ratio }) => !(ratio >= 4.5))
    .map(({ ratio, what }) => `${ratio.toFixed(2)} ${what}`);
}
