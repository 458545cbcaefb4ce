import { Builder } from "selenium-webdriver";
import firefox from "selenium-webdriver/firefox.js";
import { which } from "../../../scripts/lib/which.mjs";
import { enginePath } from "../../../scripts/setup/browsers.mjs";
import { twoTabs } from "../suite.mjs";
import { tabsOf } from "../webdriver.mjs";

twoTabs("Firefox", async () => {
  const options = new firefox.Options().setBinary(enginePath("firefox")).addArguments("-headless");
  options.setPreference("network.captive-portal-service.enabled", false);
  const service = new firefox.ServiceBuilder(which("geckodriver"));
  const session = await new Builder().forBrowser("firefox").setFirefoxOptions(options).setFirefoxService(service).build();
  return tabsOf(session, () => session.quit());
});
