import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { pages, sections } from "../navigation.mjs";
import { homepage, repository, version } from "../places.mjs";
import { sectionsOfReference } from "../search.mjs";

const inBuild = (path) => fileURLToPath(new URL(`../../build/${path}`, import.meta.url));

const about = new Map(pages.map(({ page, about }) => [`${page}.md`, about]));

const guides = sections.map(({ text, pages, isLong }) => ({
  text,
  items: pages.map(({ page, text }) => ({ text, link: `/${page.replace(/index$/, "")}` })),
  ...(isLong ? { collapsed: true } : {}),
}));

/** What typedoc wrote, as VitePress wants it: the entries of the package, each a group. */
function reference() {
  const file = inBuild("site/api/navigation.json");
  if (!existsSync(file)) return [];
  const isEntry = ({ path }) => path?.endsWith("index.md") ?? false;
  const item = ({ title, path, children }) => ({
    text: title,
    ...(path ? { link: `/api/${path.replace(/(index)?\.md$/, "")}` } : {}),
    ...(children ? { items: children.filter((child) => !isEntry(child)).map(item), collapsed: true } : {}),
  });
  const [main] = JSON.parse(readFileSync(file, "utf8"));
  const others = main.children.filter(isEntry).map((entry) => item({ ...entry, title: `${main.title}/${entry.title}` }));
  return [{ text: "All entries", link: "/api/" }, { ...item(main), collapsed: false }, ...others];
}

export default defineConfig({
  title: "longwait",
  description: "Durable processes that can be awaited, in the browser",
  lang: "en",
  srcDir: "../build/site",
  srcExclude: ["public/**"],
  outDir: "../build/docs",
  cacheDir: "../build/vitepress",
  cleanUrls: true,
  sitemap: { hostname: homepage },
  // A release looks for it, before it publishes what leads here: scripts/release.mjs.
  head: [["meta", { name: "version", content: version }]],
  transformHead: ({ siteData }) => [["link", { rel: "icon", type: "image/svg+xml", href: `${siteData.base}favicon.svg` }]],
  // The usual ones have colours of too little contrast.
  markdown: { theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" } },
  // Otherwise it writes a style into the page when the scheme changes, which the page's policy refuses.
  appearance: { disableTransition: false },
  transformPageData({ relativePath, frontmatter }) {
    const isGenerated = relativePath.startsWith("api/");
    return {
      ...(about.has(relativePath) ? { description: about.get(relativePath) } : {}),
      frontmatter: { ...frontmatter, ...(isGenerated ? { editLink: false } : {}) },
    };
  },
  themeConfig: {
    nav: [
      { text: "Start", link: "/start", activeMatch: "^/start" },
      { text: "Guides", link: "/concepts" },
      { text: "Errors", link: "/errors/", activeMatch: "^/errors/" },
      { text: "Reference", link: "/api/", activeMatch: "^/api/" },
    ],
    sidebar: { "/": guides, "/api/": reference() },
    outline: [2, 3],
    search: { provider: "local", options: { miniSearch: { _splitIntoSections: sectionsOfReference } } },
    socialLinks: [{ icon: "github", link: repository }],
    editLink: { pattern: `${repository}/edit/main/docs/:path`, text: "Edit this page" },
    notFound: {
      title: "There is no such page",
      quote: "It may have moved: search for it, or begin at the start.",
      linkText: "To the start",
    },
    footer: { message: "MIT licence" },
  },
});
