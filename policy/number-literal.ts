import { AegisError } from './errors.ts';

/** The number grammar of RFC 8259 section 6. */
const JSON_NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
const MAX_LENGTH = 1024;

/**
 * A JSON number that keeps its exact spelling (`1.0`, `1e3`, twenty digits), because a JavaScript number would not.
 * Canonical JSON writes `text` as it is, which is also what OPA does when it digests a document.
 */
export class NumberLiteral {
  readonly text: string;

  /** @throws AegisError `AEGIS_JSON_VALUE` when the text is not a JSON number. */
  constructor(text: string) {
    if (text.length > MAX_LENGTH || !JSON_NUMBER.test(text)) {
      throw new AegisError('AEGIS_JSON_VALUE', `not a JSON number: ${JSON.stringify(text.slice(0, 40))}`);
    }
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}
