import { readFileSync } from 'node:fs';
import { DETECTOR_NAMES, DETECTORS, detectorNamed, responseTargetProblem } from '../../../policy/sanitize/detectors.ts';

test('every name and alias means one detector', () => {
  expect(new Set(DETECTOR_NAMES).size).toBe(DETECTOR_NAMES.length);
  for (const name of DETECTOR_NAMES) expect(Object.hasOwn(DETECTORS, detectorNamed(name) ?? '')).toBe(true);
  expect(detectorNamed('credit-card')).toBe('payment-card');
  for (const name of ['', 'Email', 'toString', '__proto__']) expect(detectorNamed(name)).toBeUndefined();
});

test.each([
  [{ detector: 'email' }, true],
  [{ detector: 'e-mails' }, false],
  [{ pointer: '/a/*/b~1c' }, true],
  [{ pointer: '/' }, true],
  [{ pointer: '' }, false],
  [{ pointer: 'a' }, false],
  [{ pointer: '/a~' }, false],
])('%j', (target, fine) => {
  expect(responseTargetProblem(target) === undefined).toBe(fine);
});

test('the guide lists every detector with its names', () => {
  const guide = readFileSync('docs/sanitizing.md', 'utf8');
  for (const name of DETECTOR_NAMES) expect(guide).toContain(`\`${name}\``);
});
