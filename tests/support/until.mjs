/**
 * Resolves once an asynchronous function answers yes in a page. `page.waitForFunction` is for others: it takes a promise for a yes.
 *
 * The test's own time limit ends it.
 */
export async function until(page, isSo) {
  while (!(await page.evaluate(isSo))) await page.waitForTimeout(20);
}
