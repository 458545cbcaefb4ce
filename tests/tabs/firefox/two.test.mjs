import { firefoxSession } from "../../../scripts/lib/firefox.mjs";
import { twoTabs } from "../suite.mjs";
import { tabsOf } from "../webdriver.mjs";

twoTabs("Firefox", async () => {
  const session = await firefoxSession();
  return tabsOf(session, () => session.quit());
});
