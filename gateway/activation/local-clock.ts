/** Local weekday and minute of the day, as policies see time (`input.context.local`). */
export interface LocalTime {
  day: string;
  minute: number;
}

const MINUTE = 60_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(zone, format);
  }
  return format;
}

/** The local time of an instant (ms since the epoch) in an IANA zone (ECMA-402 data). @throws RangeError on an unknown zone. */
export function localTime(instant: number, zone: string): LocalTime {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  );
  return { day: parts.get('weekday') ?? '', minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

/** Remembers the current minute of each zone, so that a call costs no formatting. */
export class LocalClock {
  readonly #zones: readonly string[];
  #minute = Number.NaN;
  #local: Record<string, LocalTime> = {};

  constructor(zones: readonly string[]) {
    this.#zones = zones;
  }

  at(instant: number): Record<string, LocalTime> {
    const minute = Math.floor(instant / MINUTE);
    if (minute !== this.#minute) {
      this.#local = Object.fromEntries(this.#zones.map((zone) => [zone, localTime(instant, zone)]));
      this.#minute = minute;
    }
    return this.#local;
  }
}
