/**
 * What the search knows of a page of the reference, where each field would otherwise be a find of its own, before any guide: the page, with all of its
 * text, and its methods. Gives nothing for other pages, which are split at their headings.
 */
export function sectionsOfReference(file, html) {
  if (!file.includes("/site/api/")) return undefined;
  const [before, ...parts] = html.split(/(?=<h[1-6] id=")/);
  const named = parts.map((part) => {
    const [, level, anchor, heading] = /^<h([1-6]) id="([^"]*)"[^>]*>(.*?)<a class="header-anchor"/s.exec(part) ?? [];
    return { level: Number(level), anchor, title: words(heading ?? ""), text: words(part) };
  });
  const page = named.find(({ level }) => level === 1)?.title ?? "";
  const methods = named.filter(({ level, title }) => level === 3 && title.endsWith("()"));
  return [
    { anchor: "", titles: [page], text: words(before + parts.join("")) },
    ...methods.map(({ anchor, title, text }) => ({ anchor, titles: [page, title], text })),
  ];
}

const words = (html) => html.replace(/<[^>]*>/g, " ").trim();
