/** An explanation for the terminal: the verdict first, then each reason with its line and what would change it. */
import type { ExplainedReason, Explanation, NearRule } from '../../policy/explain/explanation.ts';
import type { Place } from '../../policy/explain/rule-index.ts';
import { locationText } from './error-text.ts';
import { plainText, type SourceLines } from './source-excerpt.ts';

const LABEL = 8;

export function explainText(explanation: Explanation, lines: SourceLines): string {
  const { call, taken, reasons, nearest, notes } = explanation;
  const tenant = call.tenant === '' ? '' : ` (tenant ${call.tenant})`;
  const blocks = [
    [
      plainText(`${taken}  ${call.agent} calls ${call.tool}/${call.action}${tenant}`),
      ...(call.chain === undefined ? [] : [row('chain', call.chain.join(' > '))]),
    ],
    ...reasons.map((reason) => reasonBlock(reason, lines)),
    ...(nearest.length === 0 ? [] : [['The nearest rules that permit:']]),
    ...nearest.map((near) => nearBlock(near, lines)),
    ...(notes.length === 0 ? [] : [notes.map((note) => row('note', note))]),
  ];
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`;
}

function reasonBlock(reason: ExplainedReason, lines: SourceLines): string[] {
  const { code, message, param, policy, rule, rulePlace, place, applies = [] } = reason;
  const about = param === undefined || message.includes(param) ? '' : ` (parameter ${param})`;
  return [
    plainText(`${code}: ${message}${about}`),
    ...(policy === undefined ? [] : [row('rule', `${policy}/${rule}${rulePlace ? `  ${placeText(rulePlace)}` : ''}`)]),
    ...applies.map((text) => row('applies', text)),
    ...placeRows(place ?? rulePlace, lines, place !== undefined),
    ...remedyRows(reason),
  ];
}

function nearBlock(near: NearRule, lines: SourceLines): string[] {
  const { policy, rule, rulePlace, place, why } = near;
  return [
    row('rule', `${policy}/${rule}  ${placeText(rulePlace)}`),
    row('not', why),
    // where the rule is simply for something else, its line says no more
    ...(near.given === undefined ? [] : placeRows(place, lines, true)),
    ...remedyRows(near),
  ];
}

function placeRows(place: Place | undefined, lines: SourceLines, withField: boolean): string[] {
  if (place === undefined) return [];
  const field = withField ? [row('field', `${place.field}  ${placeText(place)}`)] : [];
  return [...field, ...lines.excerpt(place.location).map((line) => `  ${line}`)];
}

function remedyRows({ given, call, change }: Pick<ExplainedReason, 'given' | 'call' | 'change'>): string[] {
  return [
    ...(given === undefined ? [] : [row('why', given)]),
    ...(call === undefined ? [] : [row('call', call)]),
    ...(change === undefined ? [] : [row('policy', change)]),
  ];
}

function row(label: string, text: string): string {
  return plainText(`  ${label.padEnd(LABEL)}${text}`);
}

function placeText({ location }: Place): string {
  return locationText(location);
}
