import { AegisError } from '../../policy/errors.ts';
import type { BodyRewriter } from './body-rewriter.ts';
import { decodeText, replaceRaw } from './find-text.ts';
import { PointerTree } from './json/pointer-tree.ts';
import { REDACTED, type RedactOp, stricter } from './replace-text.ts';
import type { TextRules } from './text-rules.ts';
import { settledText, TextScan } from './text-scan.ts';

/** What is done with the value of the present field. */
type Mode = 'name' | 'copy' | 'scan' | 'whole' | 'dropped';

/** The tokens of `card[number]` and `items[][email]`, as a pointer names them: `/card/number`, `/items/0/email`. */
function tokensOf(name: string): string[] {
  const bracket = name.indexOf('[');
  if (bracket <= 0 || !name.endsWith(']')) return [name];
  const inner = name.slice(bracket + 1, -1).split('][');
  return [name.slice(0, bracket), ...inner.map((token) => (token === '' ? '0' : token))];
}

/**
 * Rewrites `application/x-www-form-urlencoded` (WHATWG URL, section 5). A pointer names a field as it is written, or by
 * its brackets; one that names a field with others inside means all of them.
 */
export class FormRewriter implements BodyRewriter {
  readonly #rules: TextRules;
  readonly #tree: PointerTree;
  readonly #maxHeld: number;
  readonly waits = false;
  #mode: Mode = 'name';
  #held = '';
  #scan: TextScan | undefined;
  #op: RedactOp = 'redact';
  /** The separator before the present field, until it is known whether the field stays. */
  #separator = '';
  #any = false;
  #overflow = false;

  constructor(rules: TextRules, tree: PointerTree, maxHeld: number) {
    this.#rules = rules;
    this.#tree = tree;
    this.#maxHeld = maxHeld;
  }

  write(text: string): string {
    let out = '';
    for (let from = 0; from < text.length; ) {
      const stop = this.#mode === 'name' ? /[&=]/g : /&/g;
      stop.lastIndex = from;
      const at = stop.exec(text)?.index ?? text.length;
      out += this.#read(text.slice(from, at));
      if (at < text.length) out += text[at] === '=' ? this.#endName(true) : this.#endField('&');
      from = at + 1;
    }
    return out;
  }

  release(): string {
    return '';
  }

  end(): string {
    return this.#endField('');
  }

  #read(piece: string): string {
    if (this.#mode === 'copy') return piece;
    if (this.#mode === 'scan') return this.#scan === undefined ? '' : settledText(this.#scan.push(piece));
    if (this.#mode === 'dropped' || this.#overflow) return '';
    this.#held += piece;
    if (this.#held.length > this.#maxHeld) this.#tooLong();
    return '';
  }

  #tooLong(): void {
    if (this.#mode === 'name' || this.#op === 'mask' || this.#op === 'hash') {
      throw new AegisError('AEGIS_RESPONSE_TOO_LARGE', 'A form field is longer than is held.');
    }
    this.#overflow = true;
    this.#held = '';
  }

  #endName(hasValue: boolean): string {
    const raw = this.#held;
    const name = decodeText(raw, 'form');
    const op = this.#pointed(name) ?? (hasValue ? this.#rules.owned(name) : undefined);
    this.#held = '';
    this.#overflow = false;
    if (this.#pointed(name) === 'drop') {
      this.#mode = 'dropped';
      return '';
    }
    this.#op = op ?? 'redact';
    this.#mode = this.#modeFor(op);
    if (this.#mode === 'scan') this.#scan = new TextScan(this.#rules, 'form', this.#maxHeld, this.#rules.context(name));
    const out = this.#separator + (this.#rules.rewrite(raw, 'form') ?? raw) + (hasValue ? '=' : '');
    this.#any = true;
    return out;
  }

  #modeFor(op: RedactOp | undefined): Mode {
    if (op !== undefined) return 'whole';
    return this.#rules.any ? 'scan' : 'copy';
  }

  #pointed(name: string): RedactOp | undefined {
    if (this.#tree.empty) return undefined;
    let op = PointerTree.opOf(PointerTree.below([this.#tree], name));
    let trees: readonly PointerTree[] = [this.#tree];
    for (const token of tokensOf(name)) {
      trees = PointerTree.below(trees, token);
      const here = PointerTree.opOf(trees);
      if (here !== undefined) op = op === undefined ? here : stricter(op, here);
    }
    return op;
  }

  #endField(separator: string): string {
    let out = this.#mode === 'name' ? this.#endName(false) : '';
    if (this.#mode === 'scan' && this.#scan !== undefined) out += settledText(this.#scan.end());
    if (this.#mode === 'whole') out += this.#whole();
    this.#mode = 'name';
    this.#held = '';
    this.#separator = this.#any || separator === '' ? separator : '';
    return out;
  }

  #whole(): string {
    if (this.#overflow) return this.#op === 'drop' ? '' : encodeURIComponent(REDACTED);
    return this.#held === '' ? '' : replaceRaw(this.#held, this.#op, 'form', this.#rules.hash);
  }
}
