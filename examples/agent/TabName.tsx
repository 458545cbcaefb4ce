/** A tab by its name, in its colour. */
export const TabName = ({ name }: { name: string }) => <span className="tab-name" data-hue={hue(name)} children={name} />;

const hue = (name: string) => [...name].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997, 7) % 6;
