/** What an action asks for before it does something. */

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly sort: "text" | "json" | "choice" | "file" | "check";
  readonly hint?: string;
  readonly value?: string;
  readonly isRequired?: boolean;
  /** Of a choice: its values with their words. Of a text: what may be meant. */
  readonly options?: readonly (readonly [string, string])[];
}

/** What is typed or chosen, by field. */
export interface Given {
  readonly [name: string]: string | File | boolean | undefined;
}

export interface Form {
  readonly title: string;
  readonly text?: string;
  readonly fields: readonly Field[];
  readonly submit: string;
  readonly isDangerous?: boolean;
  /** Does it, and says what was done. What it throws is shown, and the dialog stays. */
  readonly run: (given: Given) => Promise<string>;
}

/** A field that makes no sense. */
export class FieldFault extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}
