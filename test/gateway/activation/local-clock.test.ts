import { LocalClock, localTime } from '../../../gateway/activation/local-clock.ts';

const at = (text: string): number => Date.parse(text);

test.each([
  ['2026-03-02T00:00:00Z', 'UTC', 'Mon', 0],
  ['2026-03-01T23:59:59Z', 'UTC', 'Sun', 23 * 60 + 59],
  ['2026-01-15T12:30:00Z', 'Europe/Berlin', 'Thu', 13 * 60 + 30],
  ['2026-07-15T12:30:00Z', 'Europe/Berlin', 'Wed', 14 * 60 + 30],
  ['2026-03-29T00:59:59Z', 'Europe/Berlin', 'Sun', 119],
  ['2026-03-29T01:00:00Z', 'Europe/Berlin', 'Sun', 180],
  ['2026-03-01T03:15:00Z', 'America/New_York', 'Sat', 22 * 60 + 15],
  ['2026-03-01T00:00:00Z', 'Asia/Kolkata', 'Sun', 5 * 60 + 30],
])('%s in %s is %s, minute %i', (time, zone, day, minute) => {
  expect(localTime(at(time), zone)).toEqual({ day, minute });
});

test('the clock follows the minute, also backwards', () => {
  const clock = new LocalClock(['UTC']);
  expect(clock.at(at('2026-03-02T10:00:59Z')).UTC?.minute).toBe(600);
  expect(clock.at(at('2026-03-02T10:01:00Z')).UTC?.minute).toBe(601);
  expect(clock.at(at('2026-03-02T09:59:00Z')).UTC?.minute).toBe(599);
});
