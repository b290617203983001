import fc from 'fast-check';
import type { Detector } from '../../../../gateway/sanitize/detectors/detector.ts';
import { luhn } from '../../../../gateway/sanitize/detectors/payment-card.ts';
import { DETECTOR_OF } from '../../../../gateway/sanitize/detectors/registry.ts';
import { DETECTORS, type DetectorName } from '../../../../policy/sanitize/detectors.ts';
import { FOUND, NOT_FOUND, text } from '../samples.ts';

const names = Object.keys(DETECTORS) as DetectorName[];

interface Match {
  start: number;
  end: number;
}

function scan(detector: Detector, text: string, ended: boolean, from = 0): { matches: Match[]; settled: number } {
  const matches: Match[] = [];
  const settled = detector.scan(text, from, ended, {
    match: (start, end) => {
      if (start >= from) matches.push({ start, end });
    },
    partial: () => undefined,
  });
  return { matches, settled };
}

/** The text with marks around what is found, overlaps joined. */
function marked(detector: Detector, text: string): string {
  const inside = new Set<number>();
  for (const { start, end } of scan(detector, text, true).matches) {
    for (let index = start; index < end; index += 1) inside.add(index);
  }
  let result = '';
  for (let index = 0; index <= text.length; index += 1) {
    if (inside.has(index) && !inside.has(index - 1)) result += '«';
    if (!inside.has(index) && inside.has(index - 1)) result += '»';
    result += text[index] ?? '';
  }
  return result;
}

test.each(
  names.flatMap((name) => FOUND[name].map((sample) => [name, sample] as const)),
)('%s finds %j', (name, sample) => {
  expect(marked(DETECTOR_OF[name], sample.replaceAll(/[«»]/g, ''))).toBe(sample);
});

test.each(
  names.flatMap((name) => NOT_FOUND[name].map((sample) => [name, sample] as const)),
)('%s does not find %j', (name, sample) => {
  expect(marked(DETECTOR_OF[name], sample)).toBe(sample);
});

const sorted = (matches: Match[]): string[] => [...new Set(matches.map(({ start, end }) => `${start}-${end}`))].sort();

test.each(names)('%s: what follows a text never changes what it settled', (name) => {
  const detector = DETECTOR_OF[name];
  fc.assert(
    fc.property(text, fc.nat(), (whole, at) => {
      const first = whole.slice(0, at % (whole.length + 1));
      const { matches, settled } = scan(detector, first, false);
      const before = (all: Match[]): Match[] => all.filter(({ start }) => start < settled);
      expect(sorted(before(matches))).toEqual(sorted(before(scan(detector, whole, true).matches)));
    }),
    { numRuns: 3000 },
  );
});

test.each(names)('%s takes linear time', (name) => {
  const detector = DETECTOR_OF[name];
  const seeds = [
    '4',
    '4 ',
    'a',
    'a@',
    'a.',
    '@',
    '-',
    '-----BEGIN PRIVATE KEY-----<',
    'eyJ-',
    'ey',
    'sk-',
    'mrn ',
    '^MR',
    'a^',
  ];
  seeds.push(
    'password: ',
    '0 ',
    '+1 ',
    '1:',
    ':',
    '1.',
    '://',
    '<',
    'DE89',
    'DE89 ',
    '(',
    'tel ',
    'dob ',
    '1-1-',
    '%',
    '&',
    '_',
  );
  for (const seed of seeds) {
    const long = seed.repeat(Math.ceil(200_000 / seed.length));
    const began = process.cpuUsage().user;
    scan(detector, long, true);
    expect([seed, process.cpuUsage().user - began < 1_500_000]).toEqual([seed, true]);
  }
});

test('Luhn agrees with the reference numbers of the networks', () => {
  const valid = [
    '4242424242424242',
    '378282246310005',
    '5555555555554444',
    '6011111111111117',
    '3530111333300000',
    '30569309025904',
  ];
  for (const number of valid) {
    expect(luhn(number)).toBe(true);
    for (let index = 0; index < number.length; index += 1) {
      const digit = (Number(number[index]) + 1) % 10;
      expect(luhn(number.slice(0, index) + digit + number.slice(index + 1))).toBe(false);
    }
  }
});
