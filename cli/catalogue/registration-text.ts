import type { LimitAnswer, RegistrationAnswers, ToolAnswer } from './registration-answers.ts';
import { yamlText } from './yaml-text.ts';

/** The registration as a person would write it, with what its choices mean. */
export function registrationText(answers: RegistrationAnswers): string {
  const { agent, namespace } = answers;
  const where = namespace === undefined ? '' : `, namespace: ${yamlText(namespace)}`;
  return `${[
    'apiVersion: aegis.dev/v1alpha1',
    'kind: AgentRegistration',
    `metadata: {name: ${yamlText(agent)}${where}}`,
    'spec:',
    ...lines(answers).map((line) => `  ${line}`),
  ].join('\n')}\n`;
}

function lines(answers: RegistrationAnswers): string[] {
  const { owner, selector, serviceAccount, tools, purpose, limits, reviewBy } = answers;
  const labels = selector.map(([key, value]) => `${yamlText(key)}: ${yamlText(value)}`).join(', ');
  return [
    `owner: ${yamlText(owner)}`,
    '# A pod is this agent when it has these labels and runs as this ServiceAccount, which no other workload should share.',
    `workload: {selector: {matchLabels: {${labels}}}, serviceAccountName: ${yamlText(serviceAccount)}}`,
    ...toolLines(tools),
    ...(purpose.length === 0
      ? []
      : ['# What a call is for; its own word may only narrow this.', `purpose: ${flow(purpose)}`]),
    ...delegationLines(answers),
    ...(limits.length === 0
      ? ['# No quota over everything that it does; add budget.limits for one.']
      : [
          '# Over everything that it does, beside the limits of policies.',
          'budget:',
          '  limits:',
          ...limits.map(limitLine),
        ]),
    '# Deny: a tool that no enforced policy permits yet cannot be called. Observe would let such calls pass and record them.',
    'unmatched: Deny',
    `reviewBy: ${JSON.stringify(reviewBy)}`,
  ];
}

function toolLines(tools: readonly ToolAnswer[]): string[] {
  if (tools.length === 0) return ['# It has no tools: every call is denied.', 'tools: []'];
  return [
    '# May be called at all; policies say how. A tool without actions stands for all of its actions.',
    'tools:',
    ...tools.map(({ toolId, actions }) =>
      actions === undefined
        ? `- {toolId: ${yamlText(toolId)}}`
        : `- {toolId: ${yamlText(toolId)}, actions: ${flow(actions)}}`,
    ),
  ];
}

function delegationLines({ acceptsFrom, maxDepth, selfOrigin }: RegistrationAnswers): string[] {
  const parts = [
    ...(acceptsFrom.length === 0 ? [] : [`acceptsFrom: ${flow(acceptsFrom)}`]),
    `maxDepth: ${maxDepth ?? (acceptsFrom.length === 0 ? 0 : 1)}`,
    `selfOrigin: ${selfOrigin}`,
  ];
  const callers = acceptsFrom.length === 0 ? 'No other agent may call it' : 'Only these agents may call it';
  const own = selfOrigin ? 'it may act on its own' : 'it acts only when called';
  return [`# ${callers}; ${own}.`, `delegation: {${parts.join(', ')}}`];
}

function limitLine({ kind, max, window }: LimitAnswer, index: number): string {
  const name = kind === 'rate' ? 'calls' : 'cost';
  const what =
    kind === 'rate'
      ? `rate: {max: ${max}, window: ${window}}`
      : `budget: {cost: Estimated, max: "${max}", window: ${window}}`;
  return `  - {name: ${name}-${index + 1}, ${what}}`;
}

function flow(texts: readonly string[]): string {
  return `[${texts.map(yamlText).join(', ')}]`;
}
