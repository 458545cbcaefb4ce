/** Tabs of a browser that takes WebDriver: of those, one at a time is looked at. */

/** A browser with one profile, through a session of selenium-webdriver. */
export async function tabsOf(session, end) {
  const home = await session.getWindowHandle();
  let last = Promise.resolve();
  /** One after the other, each in its own tab. */
  const inTab = (handle, work) => {
    const turn = last.then(async () => {
      await session.switchTo().window(handle);
      return work();
    });
    last = turn.catch(() => {});
    return turn;
  };
  return {
    close: () => end(),
    async openTab(url) {
      const first = last.then(async () => {
        // The one that was looked at last may be closed by now.
        await session.switchTo().window(home);
        await session.switchTo().newWindow("tab");
        return session.getWindowHandle();
      });
      last = first.catch(() => {});
      const handle = await first;
      const script = (...given) => inTab(handle, () => session.executeScript(...given));
      const poll = (ready) => inTab(handle, () => session.wait(() => session.executeScript(ready), 20_000));
      await inTab(handle, () => session.get(url));
      await poll("return window.ready");
      return tab(script, poll, () => inTab(handle, () => session.close()));
    },
  };
}

function tab(script, poll, shut) {
  let calls = 0;
  let open = true;
  const begin = async (work, argument) => {
    const place = `call${calls++}`;
    const code = `Promise.resolve((${work})(${JSON.stringify(argument)})).then(
      (answer) => (globalThis.${place} = { answer }),
      (error) => (globalThis.${place} = { failed: String(error) }),
    )`;
    // The script itself has globals of its own in Firefox.
    await script("window.eval(arguments[0])", code);
    return async () => {
      // A tab that waits for an answer must not keep the others from being looked at.
      const { answer, failed } = await poll(`return window.${place}`);
      if (failed) throw new Error(failed);
      return answer ?? undefined;
    };
  };
  return {
    begin,
    isOpen: () => open,
    run: async (work, argument) => (await begin(work, argument))(),
    async close() {
      if (!open) return;
      open = false;
      await shut();
    },
  };
}
