/** How long a condition may take, in milliseconds: as long as `page.waitForFunction` gives it. */
const MOST_MS = 30_000;

/** Resolves once an asynchronous function answers yes in a page. `page.waitForFunction` is for others: it takes a promise for a yes. */
export async function until(page, isSo) {
  const end = performance.now() + MOST_MS;
  while (!(await page.evaluate(isSo))) {
    if (performance.now() > end) throw new Error(`it was never so: ${isSo}`);
    await page.waitForTimeout(20);
  }
}
