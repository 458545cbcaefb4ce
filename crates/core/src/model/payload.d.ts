// What js/ passes on to Rust.
export function canonical(value: unknown, write: (piece: string) => void): void;
export function copied(value: unknown): unknown;
export function member(value: unknown, name: string): unknown;
export function truthy(value: unknown): boolean;
export function weight(value: unknown): number;
