import type { BodyRewriter } from '../body-rewriter.ts';
import { JsonRewriter, type JsonRewriterOptions } from './json-rewriter.ts';

/** A body of one JSON text, or of several. Nobody can use half of a JSON text, so nothing of it is ever waited for. */
export class JsonBody implements BodyRewriter {
  readonly #rewriter: JsonRewriter;
  readonly waits = false;

  constructor(options: JsonRewriterOptions) {
    this.#rewriter = new JsonRewriter(options);
  }

  write(text: string): string {
    return this.#rewriter.write(text);
  }

  release(): string {
    return '';
  }

  end(): string {
    return this.#rewriter.end();
  }
}
