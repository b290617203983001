import type { BodyRewriter } from '../body-rewriter.ts';
import { jsonChanges } from '../json/json-changes.ts';
import type { PointerTree } from '../json/pointer-tree.ts';
import type { TextRules } from '../text-rules.ts';
import { type EventData, type EventDataOptions, readEventData } from './event-data.ts';
import { type EventLine, EventReader, type ServerEvent } from './event-reader.ts';
import { JoinedTexts } from './joined-texts.ts';

export interface EventRewriterOptions {
  rules: TextRules;
  tree: PointerTree;
  /** Characters of one value. */
  maxHeld: number;
  /** Characters of one event, and of all events that are held. */
  maxEvent: number;
}

interface Held {
  lines: EventLine[];
  data: EventData | undefined;
  /** Data as it came. */
  raw: string;
  size: number;
}

/**
 * Rewrites an event stream (WHATWG HTML, section 9.2) event by event. An event leaves when all is known about its texts,
 * and never before those ahead of it; an event in which nothing is changed leaves as it came.
 */
export class EventRewriter implements BodyRewriter {
  readonly #options: EventDataOptions;
  readonly #maxEvent: number;
  readonly #reader: EventReader;
  readonly #joined: JoinedTexts;
  readonly #queue: Held[] = [];
  #size = 0;

  constructor({ rules, tree, maxHeld, maxEvent }: EventRewriterOptions) {
    this.#reader = new EventReader(maxEvent);
    this.#joined = new JoinedTexts(rules, maxHeld);
    this.#options = { rules, tree, joined: this.#joined, changes: jsonChanges(rules, maxHeld), maxHeld: maxEvent };
    this.#maxEvent = maxEvent;
  }

  get waits(): boolean {
    return this.#queue.length > 0;
  }

  write(text: string): string {
    let out = '';
    for (const event of this.#reader.push(text)) {
      this.#take(event);
      if (this.#size > this.#maxEvent) this.#joined.release();
      out += this.#leave();
    }
    return out;
  }

  release(): string {
    this.#joined.release();
    return this.#leave();
  }

  end(): string {
    const last = this.#reader.end();
    if (last !== undefined) this.#take(last);
    this.#joined.end();
    return this.#leave();
  }

  #take(event: ServerEvent): void {
    const { rules } = this.#options;
    const data = event.filter(({ field }) => field === 'data');
    const raw = data.map(({ value }) => value).join('\n');
    const name = event.find(({ field }) => field === 'event')?.value ?? '';
    const lines = event.map((line) => (line.field === 'data' ? line : cleanLine(line, rules)));
    const size = event.reduce((sum, { lead, value, eol }) => sum + lead.length + value.length + eol.length, 0);
    this.#queue.push({
      lines,
      raw,
      size,
      data: data.length === 0 ? undefined : readEventData(raw, name, this.#options),
    });
    this.#size += size;
    if (data.length > 0) this.#joined.turn();
  }

  #leave(): string {
    let out = '';
    let left = 0;
    for (const held of this.#queue) {
      if (held.data?.open === true) break;
      out += written(held);
      this.#size -= held.size;
      left += 1;
    }
    this.#queue.splice(0, left);
    return out;
  }
}

/** Comments, ids and names can hold data as well. */
function cleanLine(line: EventLine, rules: TextRules): EventLine {
  const known = line.value === '' ? undefined : rules.rewrite(line.value, 'text');
  if (line.field === '' || KNOWN.has(line.field)) return known === undefined ? line : { ...line, value: known };
  // A field without a meaning is ignored by every reader, and can be anything.
  const lead = rules.rewrite(line.lead, 'text');
  return { ...line, lead: lead ?? line.lead, value: known ?? line.value };
}

const KNOWN: ReadonlySet<string> = new Set(['event', 'id', 'retry', 'data']);

const textOf = ({ lead, value, eol }: EventLine): string => lead + value + eol;

/** Changed data stand where the first line of data stood, one line for each of theirs. */
function written({ lines, data, raw }: Held): string {
  const changed = data?.text();
  if (changed === undefined || changed === raw) return lines.map(textOf).join('');
  const own = lines.filter(({ field }) => field === 'data');
  const [first] = own as [EventLine];
  const lead = first.lead.includes(':') ? first.lead : `${first.lead}: `;
  const between = first.eol === '' ? '\n' : first.eol;
  // The last line keeps its own end: there is none where the stream was cut off.
  const block =
    changed
      .split('\n')
      .map((value) => lead + value)
      .join(between) + (own.at(-1)?.eol ?? '');
  return lines
    .map((line) => {
      if (line.field !== 'data') return textOf(line);
      return line === first ? block : '';
    })
    .join('');
}
