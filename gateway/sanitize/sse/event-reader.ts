import { AegisError } from '../../../policy/errors.ts';

/** One line of an event stream (WHATWG HTML, section 9.2.5). */
export interface EventLine {
  /** '' for a comment. */
  field: string;
  /** What stands before the value: name, colon, space. */
  lead: string;
  value: string;
  /** CR, LF or both; '' at the end of a stream that was cut off. */
  eol: string;
}

/** The lines up to and with the empty one; without it at the end of a stream that was cut off. */
export type ServerEvent = EventLine[];

const EOL = /[\r\n]/g;

/** Takes an event stream apart without losing a byte. */
export class EventReader {
  readonly #maxEvent: number;
  #line = '';
  #event: ServerEvent = [];
  #size = 0;
  #first = true;
  /** The last line ended with a CR that may be the first half of CRLF. */
  #afterCr: EventLine | undefined;

  /** `maxEvent`: characters of one event. */
  constructor(maxEvent: number) {
    this.#maxEvent = maxEvent;
  }

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    let from = 0;
    if (this.#afterCr !== undefined && text !== '') {
      if (text.startsWith('\n')) {
        this.#joinLf(this.#afterCr, events);
        from = 1;
      }
      this.#afterCr = undefined;
    }
    EOL.lastIndex = from;
    while (EOL.test(text)) {
      const at = EOL.lastIndex - 1;
      const crlf = text[at] === '\r' && text[at + 1] === '\n';
      this.#add(text.slice(from, at));
      const line = this.#endLine(crlf ? '\r\n' : (text[at] as string), events);
      from = at + (crlf ? 2 : 1);
      if (from === text.length && line.eol === '\r') this.#afterCr = line;
      EOL.lastIndex = from;
    }
    this.#add(text.slice(from));
    return events;
  }

  /** An event that was cut off. */
  end(): ServerEvent | undefined {
    if (this.#line !== '') this.#event.push(this.#read(this.#line, ''));
    return this.#event.length === 0 ? undefined : this.#event;
  }

  #add(text: string): void {
    this.#line += text;
    this.#size += text.length;
    if (this.#size > this.#maxEvent)
      throw new AegisError('AEGIS_RESPONSE_TOO_LARGE', 'An event is longer than is held.');
  }

  /** The LF of a line that was taken for complete, and with it perhaps its event. */
  #joinLf(line: EventLine, events: ServerEvent[]): void {
    if (this.#event.at(-1) === line) line.eol = '\r\n';
    else events.push([{ field: '', lead: '', value: '', eol: '\n' }]);
  }

  #endLine(eol: string, events: ServerEvent[]): EventLine {
    const line = this.#read(this.#line, eol);
    this.#event.push(line);
    this.#size += eol.length;
    if (this.#line === '') {
      events.push(this.#event);
      this.#event = [];
      this.#size = 0;
    }
    this.#line = '';
    return line;
  }

  #read(text: string, eol: string): EventLine {
    const mark = this.#first && text.startsWith('\ufeff') ? 1 : 0;
    this.#first = false;
    const colon = text.indexOf(':');
    if (colon === -1) return { field: text.slice(mark), lead: text, value: '', eol };
    const value = colon + (text[colon + 1] === ' ' ? 2 : 1);
    return { field: text.slice(mark, colon), lead: text.slice(0, value), value: text.slice(value), eol };
  }
}
