// What js/ uses of engine.js; the rest is called from Rust.
export function openAhead(name: string): () => void;
