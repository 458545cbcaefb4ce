/** The reference: a page for each thing that an entry of the package exports, from the types and their comments. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Application, Converter } from "typedoc";

/** The entries of the package that have types: `{ name: "longwait/react", source: "js/entries/react.ts", module: "react" }`. */
function entries(root) {
  const { name, exports } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  return Object.entries(exports).flatMap(([path, { types }]) => {
    if (!types) return [];
    const source = types.replace("./dist/", "js/").replace(/\.d\.ts$/, ".ts");
    return [{ name: path.replace(/^\./, name), source, module: basename(source, ".ts") }];
  });
}

export async function writeReference(root, folder) {
  const all = entries(root);
  const app = await Application.bootstrapWithPlugins({
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: all.map(({ source }) => `${root}/${source}`),
    tsconfig: `${root}/site/tsconfig.json`,
    // The project's own compiler has checked it, a newer one.
    skipErrorChecking: true,
    validation: { notExported: false },
    readme: "none",
    name: "Reference",
    excludeInternal: true,
    disableSources: true,
    logLevel: "Warn",
    out: folder,
    outputFileStrategy: "members",
    entryFileName: "index",
    hidePageHeader: true,
    groupOrder: ["Functions", "Variables", "Classes", "Interfaces", "Type Aliases"],
    // What it is, its code says.
    pageTitleTemplates: { module: ({ name }) => name, member: ({ name }) => name },
    useCodeBlocks: true,
    expandObjects: true,
    parametersFormat: "table",
    propertiesFormat: "list",
    enumMembersFormat: "table",
    typeDeclarationFormat: "table",
    indexFormat: "table",
    navigationJson: `${folder}/navigation.json`,
  });
  // Known to typedoc by their files, and to people by what they import.
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const made of project.children) made.name = all.find(({ module }) => module === made.name)?.name ?? made.name;
  });
  const project = await app.convert();
  if (!project) throw new Error("typedoc could not read the entries");
  await app.generateOutputs(project);
  if (app.logger.hasErrors()) throw new Error("typedoc could not write the reference");
}
