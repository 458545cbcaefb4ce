import { launch } from "../playwright.mjs";
import { twoTabs } from "../suite.mjs";

twoTabs("Chromium", launch);
