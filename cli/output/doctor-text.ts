/** A diagnosis as a person reads it: a mark per check, and under what failed why, and what to do next. */
import { type Check, type Diagnosis, findingsOf, unknownsOf } from '../doctor/check.ts';
import { plainText } from './source-excerpt.ts';

const MARKS = { ok: '✓', failed: '✗', skipped: '–', unknown: '–' } as const;
const COLOURS = { ok: '\u001b[32m', failed: '\u001b[31m', skipped: '\u001b[2m', unknown: '\u001b[33m' } as const;
const RESET = '\u001b[0m';

export function doctorText(diagnosis: Diagnosis, { colour, brief }: { colour: boolean; brief: boolean }): string {
  const blocks = diagnosis.sections.map(({ title, checks }) =>
    [plainText(title), ...checks.flatMap((check) => checkLines(check, { colour, brief }))].join('\n'),
  );
  return `${blocks.join('\n\n')}\n\n${summary(diagnosis)}\n`;
}

function checkLines(check: Check, { colour, brief }: { colour: boolean; brief: boolean }): string[] {
  const { title, state, detail, code, why, next = [], lines = [] } = check;
  const mark = colour ? `${COLOURS[state]}${MARKS[state]}${RESET}` : MARKS[state];
  const said = detail === undefined ? '' : `: ${detail}`;
  if (state === 'ok' || state === 'skipped') {
    return [`  ${mark} ${plainText(`${title}${said}`)}`, ...lines.map((line) => indented(line))];
  }
  const head = state === 'failed' ? `${title}: ${code}` : `${title}: could not be read`;
  if (brief) return [`  ${mark} ${plainText(`${head}: ${why}`)}`];
  return [
    `  ${mark} ${plainText(head)}`,
    indented(why ?? ''),
    ...next.map((command) => indented(`next: ${command}`)),
    ...lines.map((line) => indented(line)),
  ];
}

function indented(line: string): string {
  return line === '' ? '' : `      ${plainText(line)}`;
}

function summary(diagnosis: Diagnosis): string {
  const [findings, unknowns] = [findingsOf(diagnosis), unknownsOf(diagnosis)];
  const unread = unknowns === 0 ? '' : ` ${unknowns === 1 ? '1 thing' : `${unknowns} things`} could not be read.`;
  if (findings === 0) return unknowns === 0 ? 'Nothing is wrong.' : `Nothing that could be read is wrong.${unread}`;
  const count = findings === 1 ? '1 finding' : `${findings} findings`;
  return `${count}; docs/troubleshooting.md explains each code.${unread}`;
}
