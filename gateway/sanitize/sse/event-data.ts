import { AegisError } from '../../../policy/errors.ts';
import { applyEdits } from '../edits.ts';
import type { JsonChanges, JsonPlace } from '../json/json-rewriter.ts';
import { JsonRewriter } from '../json/json-rewriter.ts';
import type { PointerTree } from '../json/pointer-tree.ts';
import type { TextRules } from '../text-rules.ts';
import type { Fragment, JoinedTexts } from './joined-texts.ts';

/** The data of one event, until all is known about it. */
export interface EventData {
  readonly open: boolean;
  /** The data as it may leave. */
  text(): string;
}

export interface EventDataOptions {
  rules: TextRules;
  tree: PointerTree;
  joined: JoinedTexts;
  /** The plain changes of JSON (names, numbers, whole values). */
  changes: JsonChanges;
  maxHeld: number;
}

/** Fields that describe an event and never continue: their repetition would only delay the stream. */
const WHOLE: ReadonlySet<string> = new Set([
  'id',
  'object',
  'model',
  'type',
  'role',
  'name',
  'event',
  'status',
  'jsonrpc',
  'method',
  'created_at',
  'finish_reason',
  'stop_reason',
  'service_tier',
  'system_fingerprint',
  'item_id',
  'response_id',
  'message_id',
]);
/** Fields that tell texts of the same place apart. */
const TELLS_APART = /^(?:index|\w+_index|item_id)$/;
/** Events with more strings are documents, not pieces of a text. */
const MAX_FRAGMENTS = 64;
/** How streams of language models end; the only data beside JSON in which a pointer cannot point at anything. */
const SENTINEL = '[DONE]';

/** Looks through the data of an event; JSON if it is, else text. */
export function readEventData(data: string, eventName: string, options: EventDataOptions): EventData {
  if (/^\s*[{["]/.test(data)) {
    const json = readJson(data, options);
    if (json !== undefined) return json;
  }
  const { rules, tree, joined } = options;
  if (!tree.empty && data.trim() !== SENTINEL && data.trim() !== '') {
    throw new AegisError(
      'AEGIS_RESPONSE_MALFORMED',
      'An event does not hold JSON, so that no pointer can be followed.',
    );
  }
  const fragment: Fragment = { raw: data, edits: rules.edits(data, 'text'), open: rules.any };
  if (rules.any) joined.add(`text ${eventName}`, fragment, 'text', '');
  return {
    get open() {
      return fragment.open;
    },
    text: () => applyEdits(data, fragment.edits),
  };
}

interface Leaf extends Fragment {
  path: string;
  field: string;
  context: string;
}

/** Collects the strings of a document; nothing is changed yet. */
class Collector implements JsonChanges {
  readonly leaves: Leaf[] = [];
  /** By path of an object: what tells its texts apart from those of its likes. */
  readonly marks = new Map<string, string>();
  readonly key: JsonChanges['key'];
  readonly strictest: JsonChanges['strictest'];
  readonly whole: JsonChanges['whole'];
  readonly #changes: JsonChanges;
  readonly #rules: TextRules;

  constructor(changes: JsonChanges, rules: TextRules) {
    this.#changes = changes;
    this.#rules = rules;
    this.key = changes.key;
    this.strictest = changes.strictest;
    this.whole = changes.whole;
  }

  string(raw: string, place: JsonPlace): undefined {
    const { field, outer } = place;
    const context = this.#rules.context(field, outer);
    this.#mark(raw, place);
    this.leaves.push({
      raw,
      edits: this.#rules.edits(raw, 'json', context),
      open: false,
      path: place.path(),
      field,
      context,
    });
  }

  number(raw: string, place: JsonPlace): string | undefined {
    this.#mark(raw, place);
    return this.#changes.number(raw, place);
  }

  scan(): undefined {
    return undefined;
  }

  #mark(raw: string, place: JsonPlace): void {
    if (!TELLS_APART.test(place.field)) return;
    const object = place.path().slice(0, -place.field.length - 1);
    this.marks.set(object, `${this.marks.get(object) ?? ''} ${place.field}=${raw}`);
  }

  /** All texts that continue one another have this in common. */
  keyOf({ path }: Leaf): string {
    const marks = [...this.marks].filter(([object]) => path.startsWith(`${object}/`)).map(([, mark]) => mark);
    return `${path}${marks.join('')}`;
  }
}

function readJson(data: string, options: EventDataOptions): EventData | undefined {
  const { rules, tree, joined, changes, maxHeld } = options;
  const rewrite = (using: JsonChanges): string => {
    const rewriter = new JsonRewriter({ tree, changes: using, hash: rules.hash, maxHeld });
    return rewriter.write(data) + rewriter.end();
  };
  const collector = new Collector(changes, rules);
  let plain: string;
  try {
    plain = rewrite(collector);
  } catch (error) {
    if (error instanceof AegisError && error.code === 'AEGIS_RESPONSE_MALFORMED') return undefined;
    throw error;
  }
  const { leaves } = collector;
  const continuing = rules.any && leaves.length <= MAX_FRAGMENTS ? leaves.filter(({ field }) => !WHOLE.has(field)) : [];
  for (const leaf of continuing) {
    leaf.open = true;
    joined.add(collector.keyOf(leaf), leaf, 'json', leaf.context);
  }
  return {
    get open() {
      return leaves.some(({ open }) => open);
    },
    text() {
      if (leaves.every(({ edits }) => edits.length === 0)) return plain;
      let next = 0;
      const string = (): string | undefined => {
        const { raw, edits } = leaves[next] as Leaf;
        next += 1;
        return edits.length === 0 ? undefined : applyEdits(raw, edits);
      };
      return rewrite({ ...changes, string });
    },
  };
}
