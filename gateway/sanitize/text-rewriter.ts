import type { BodyRewriter } from './body-rewriter.ts';
import type { TextRules } from './text-rules.ts';
import { settledText, TextScan } from './text-scan.ts';

/** A body that is one text. */
export class TextRewriter implements BodyRewriter {
  readonly #scan: TextScan;

  constructor(rules: TextRules, maxHeld: number) {
    this.#scan = new TextScan(rules, 'text', maxHeld);
  }

  get waits(): boolean {
    return this.#scan.holds;
  }

  write(text: string): string {
    return settledText(this.#scan.push(text));
  }

  release(): string {
    return settledText(this.#scan.release());
  }

  end(): string {
    return settledText(this.#scan.end());
  }
}
