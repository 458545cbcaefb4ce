/** The stock Firefox, through its driver: Playwright has one of its own, which is none that people use. */

import { enginePath } from "../setup/browsers.mjs";
import { which } from "./which.mjs";

/** A session of selenium-webdriver, with a new profile. */
export async function firefoxSession() {
  // Imported late: on a fresh clone they are not installed when this file is loaded.
  const { Builder } = await import("selenium-webdriver");
  const { Options, ServiceBuilder } = await import("selenium-webdriver/firefox.js");
  const options = new Options().setBinary(enginePath("firefox")).addArguments("-headless");
  options.setPreference("network.captive-portal-service.enabled", false);
  const service = new ServiceBuilder(which("geckodriver"));
  return new Builder().forBrowser("firefox").setFirefoxOptions(options).setFirefoxService(service).build();
}
