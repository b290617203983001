import type { RedactObligation } from '../../../policy/decision/types.ts';
import { pointerTokens } from '../../mapping/json-pointer.ts';
import { type RedactOp, stricter } from '../replace-text.ts';

const NONE: readonly PointerTree[] = [];

/** JSON pointers (RFC 6901; a token `*` is every member or element) as a tree that is walked beside the document. */
export class PointerTree {
  readonly #children = new Map<string, PointerTree>();
  /** What becomes of a value that ends here. */
  #op: RedactOp | undefined;
  /** Something directly below is dropped. */
  #drops = false;

  static of(redactions: readonly RedactObligation[]): PointerTree {
    const root = new PointerTree();
    for (const { pointer, op } of redactions) if (pointer !== undefined) root.#add(pointerTokens(pointer), op);
    return root;
  }

  get empty(): boolean {
    return this.#children.size === 0;
  }

  #add(tokens: readonly string[], op: RedactOp): void {
    const [token, ...rest] = tokens;
    if (token === undefined) {
      this.#op = this.#op === undefined ? op : stricter(this.#op, op);
      return;
    }
    if (rest.length === 0 && op === 'drop') this.#drops = true;
    let child = this.#children.get(token);
    if (child === undefined) {
      child = new PointerTree();
      this.#children.set(token, child);
    }
    child.#add(rest, op);
  }

  /** The trees that go on below a member or element. */
  static below(trees: readonly PointerTree[], token: string): readonly PointerTree[] {
    let found: PointerTree[] | undefined;
    for (const tree of trees) {
      const named = tree.#children.get(token);
      const any = token === '*' ? undefined : tree.#children.get('*');
      if (named !== undefined || any !== undefined) found ??= [];
      if (named !== undefined) found?.push(named);
      if (any !== undefined) found?.push(any);
    }
    return found ?? NONE;
  }

  /** The strictest op of those that end here. */
  static opOf(trees: readonly PointerTree[]): RedactOp | undefined {
    let found: RedactOp | undefined;
    for (const tree of trees) {
      if (tree.#op !== undefined) found = found === undefined ? tree.#op : stricter(found, tree.#op);
    }
    return found;
  }

  /** A member or element of what stands here may be dropped. */
  static drops(trees: readonly PointerTree[]): boolean {
    return trees.some((tree) => tree.#drops);
  }
}
