// What js/ uses of engine.js, and passes on to Rust.
export function openAhead(name: string): () => void;
export function takeDamage(name: string): string | undefined;
export function remove(name: string): Promise<void>;
export function open(name: string, lost: (isDeleted: boolean) => void): Promise<IDBDatabase>;
export function run(database: IDBDatabase, mode: string, durability: string, step: (results: unknown[][]) => unknown): Promise<void>;
export function persisted(): Promise<boolean>;
export class Lost {
  constructor(fault: unknown);
}
/** JSON text of plain data, whatever a library put on built-in prototypes. */
