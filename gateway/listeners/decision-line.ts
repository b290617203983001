import type { Verdict } from '../../policy/decision/types.ts';
import type { Decision } from '../enforcement/decision.ts';

/** One line per decision for a person at a terminal. Never a parameter value, never a control character. */

const COLOURS: Record<Verdict, number> = { allow: 32, sanitize: 36, rate_limited: 33, approval_needed: 35, deny: 31 };
const MAX_NAME = 80;

/** Names come from callers: what is not printable could rewrite the terminal or forge a line. */
function plain(text: string): string {
  const clean = text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
  return clean.length > MAX_NAME ? `${clean.slice(0, MAX_NAME)}…` : clean;
}

export function decisionLine(decision: Decision, micros: number, options: { colour?: boolean } = {}): string {
  const { agent, tool, action, taken, verdict, reasons, id, at } = decision;
  const paint = (text: string, code: number): string => (options.colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const time = new Date(at).toISOString().slice(11, 23);
  const word = verdict === taken ? taken : `${taken} (policy: ${verdict})`;
  const reason = reasons[0];
  const named = reasons.find(({ policy }) => policy !== undefined);
  const parts = [
    paint(time, 2),
    paint(word.padEnd(15), COLOURS[taken]),
    `${plain(agent)} → ${plain(tool)}.${plain(action)}`,
    named === undefined ? '' : plain([named.policy, named.rule].filter((name) => name !== undefined).join('/')),
    reason === undefined ? '' : `${plain(reason.code)}: ${plain(reason.message)}`,
    paint(id, 2),
    paint(`${Math.round(micros)} µs`, 2),
  ];
  return parts.filter((part) => part !== '').join('  ');
}
