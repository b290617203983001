import { Problems } from '../../../policy/compiler/problem.ts';
import { compileTimeWindows, DAYS, knownTimeZone } from '../../../policy/compiler/time-windows.ts';
import type { TimeWindow } from '../../../policy/resources/types.generated.ts';

function compiled(window: TimeWindow) {
  const problems = new Problems();
  const windows = compileTimeWindows([window], ['w'], problems).map(({ days, ...rest }) => ({
    ...rest,
    days: Object.keys(days),
  }));
  return { windows, problems: problems.list.map(({ code, path }) => `${code} ${path.join('.')}`) };
}

test('a window within a day', () => {
  expect(compiled({ days: ['Mon'], from: '09:00', to: '17:30' })).toEqual({
    windows: [{ tz: 'UTC', days: ['Mon'], from: 540, to: 1050 }],
    problems: [],
  });
});

test('a window over midnight names the evening', () => {
  expect(compiled({ days: ['Sun', 'Fri'], from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' }).windows).toEqual([
    { tz: 'Europe/Berlin', days: ['Sun', 'Fri'], from: 1320, to: 1440 },
    { tz: 'Europe/Berlin', days: ['Mon', 'Sat'], from: 0, to: 360 },
  ]);
});

test.each([
  ['24:00', 1440],
  ['00:00', 1440],
])('until midnight, written %s, has no morning', (to, end) => {
  expect(compiled({ from: '18:00', to }).windows).toEqual([{ tz: 'UTC', days: [...DAYS], from: 1080, to: end }]);
});

test('an empty window and an unknown zone are errors and never hold', () => {
  expect(compiled({ from: '09:00', to: '09:00' })).toEqual({ windows: [], problems: ['AEGIS_CONTRADICTION w.0'] });
  expect(compiled({ from: '09:00', to: '10:00', timeZone: 'Mars/X' })).toEqual({
    windows: [],
    problems: ['AEGIS_TIME_ZONE w.0.timeZone'],
  });
});

test('zones of the IANA database', () => {
  expect(['UTC', 'Europe/Berlin', 'Asia/Kolkata'].every(knownTimeZone)).toBe(true);
  expect(['', 'Berlin', 'Europe/Nowhere'].some(knownTimeZone)).toBe(false);
});
