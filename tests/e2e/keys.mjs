/** A person with a keyboard and nothing else. */
import assert from "node:assert/strict";

/** Presses Tab until `target` has the focus: what Tab does not reach fails. */
export async function tabTo({ page }, target, key = "Tab") {
  for (let presses = 0; presses < 40; presses++) {
    if (await hasFocus(target)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not reach ${target}`);
}

export const hasFocus = (target) => target.evaluate((node) => document.activeElement === node);

/** Types into whatever has the focus, over what is there. */
export async function type({ page }, text) {
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type(text);
}

/** Tabs through the page, and answers its stops. What has the focus must be seen to have it. */
export async function tabThrough({ page }) {
  const seen = new Set();
  for (let stops = 0; stops < 40; stops++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const node = document.activeElement;
      if (node === document.body) return undefined;
      const { outlineStyle, outlineWidth } = getComputedStyle(node);
      return { what: node.outerHTML.slice(0, 80), outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
    });
    if (!stop) break;
    assert.ok(stop.outlined, stop.what);
    seen.add(stop.what);
  }
  return seen;
}
