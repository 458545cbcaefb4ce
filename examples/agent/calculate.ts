/** A sum, by the usual precedence. Written out, since a page with a content security policy has no `eval`. */
export function calculate(expression: string): number {
  const tokens = expression.match(/\d+(?:\.\d+)?|[-+*/()]/g) ?? [];
  if (tokens.join("") !== expression.replace(/[\s,]/g, "")) throw new Error(`cannot be calculated: ${expression}`);
  const next = () => tokens.shift();

  function value(): number {
    const token = next();
    if (token === "-") return -value();
    if (token !== "(") return Number(token);
    const inner = sum();
    if (next() !== ")") throw new Error("a parenthesis is missing");
    return inner;
  }
  function product(): number {
    let left = value();
    while (tokens[0] === "*" || tokens[0] === "/") left = next() === "*" ? left * value() : left / value();
    return left;
  }
  function sum(): number {
    let left = product();
    while (tokens[0] === "+" || tokens[0] === "-") left = next() === "+" ? left + product() : left - product();
    return left;
  }

  const result = sum();
  if (tokens.length > 0 || !Number.isFinite(result)) throw new Error(`cannot be calculated: ${expression}`);
  return result;
}
